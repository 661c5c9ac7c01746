// Package report answers two questions from the records of the trail: who had to
// do with one patient's images (GDPR Art. 15; CJEU C-579/21: dates and purposes
// are owed, employees' names only where they cannot be done without), and what
// one principal touched in a time (GDPR Art. 33 and 34).
//
// It says what the trail says. A retrieval is written down before the first byte
// goes out, so what was given is at most what a report lists, never more.
package report
