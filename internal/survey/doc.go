// Package survey tells who stands open, how badly, and how to mend it, without
// touching a patient's data. It climbs a ladder: each rung is tried only if the
// scope allows it and the rung below answered.
//
//	L1 connect      TCP, and TLS where plain DICOM is refused
//	L2 associate    one well-formed A-ASSOCIATE-RQ, at most six contexts, A-RELEASE; the first pages of a web server
//	L3 echo         C-ECHO in the same association
//	L4 query        a query that can match nothing: is the caller permitted to ask?
//	L5 size         counters, or a count of matches whose values are never kept
//
// It never sends C-GET, C-MOVE, C-STORE or STOW requests, retrieves nothing by
// WADO, never asks at the patient level, guesses no AE title, tries no password,
// and sends no malformed PDU. Of what a host answers it keeps the A-ASSOCIATE-AC, -RJ or
// A-ABORT, statuses, two counters and facts about TLS and HTTP; never a data
// set, a body or a study's UID.
//
// It knows nothing of the archive: it looks from outside.
package survey
