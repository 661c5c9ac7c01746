// Package export writes studies out for the patient they belong to: a file-set
// with DICOMDIR (PS3.10 section 8, PS3.3 annex F), a page that shows what is in
// it in any browser, and the hashes of all files. Data sets are written bit for
// bit as they were received. No name of a file comes from outside.
package export
