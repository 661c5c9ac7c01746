// Package forward sends the trail to an audit record repository: audit messages
// over syslog on TLS (PS3.15 section A.6; RFC 5424, RFC 5425; the transport of
// IHE ITI-20). The trail itself is the spool. A cursor, which is durable, says up
// to where it has surely arrived; after an outage, a restart or a crash sending
// goes on from there.
//
// Syslog has no acknowledgement. A record counts as arrived when the connection
// that it went through was still good some time later; what was sent within that
// time before a connection ended is sent again. So records may arrive twice,
// with the same sequenceId, but none is lost and their order is kept.
package forward
