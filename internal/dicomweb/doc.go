// Package dicomweb answers DICOM over HTTP (PS3.18): searching, retrieving and
// storing in the Studies Service (chapter 10), a file a transaction. It reads and
// writes through an archive.Session alone, so that whoever asks sees what the
// session may see; who that is, its caller has found out before.
//
// It deletes nothing, fetches no URI that a client names, and puts no patient
// data into logs, errors or file names.
package dicomweb
