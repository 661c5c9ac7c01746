// Package message says the records of the trail in the terms of others: as the
// audit messages of PS3.15 section A.5, which the fhir package says again as
// AuditEvent resources.
//
// What a record names of the standard's tables (PS3.15 section A.5.3) is taken
// from the record alone: a message says nothing that the trail does not. Where a
// table asks for a value that is not known, the message has None.
package message
