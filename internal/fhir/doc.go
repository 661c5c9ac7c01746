// Package fhir answers in HL7 FHIR R4 over HTTPS. It has one resource,
// AuditEvent: the records of the trail, searched as IHE ITI-81 (Retrieve ATNA
// Audit Event) does. It writes none.
//
// Only who may read the trail gets an answer, and that it was read is in the
// trail before the answer. A parameter that is not known is refused rather than
// passed over: whoever misspells one must not take the answer for a narrower one.
package fhir
