// Package audit keeps the trail: one record for each association, store, query,
// retrieval, refusal and act of administration, written before the act is
// answered. The events follow PS3.15 section A.5; how they are put into DICOM's
// audit messages is not the matter of this package's files.
//
// The trail is a set of text files, one record a line. Each record is chained
// to the one before it by a hash that anybody can check, and holds its event
// sealed, because events name patients. A head, authenticated by a key, says
// where the trail ends. docs/formats/trail.md has the format and says what can
// be detected and what cannot.
//
// Several processes may append to one trail. The package refuses to go on after
// a failed write or sync: whoever cannot write the trail does not act.
package audit
