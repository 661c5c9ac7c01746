package forward

import (
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// The PRI of messages: facility 10, severity 5 or, for what was refused or
// failed, 4 (PS3.15 section A.6).
const (
	priNotice  = "<85>"
	priWarning = "<84>"
)

// messageID is the MSGID (PS3.15 section A.6).
const messageID = "DICOM+RFC3881"

// maxSequence is where sequenceId begins again with 1 (RFC 5424 section 7.3.1).
const maxSequence = 2147483647

// bom says that the message is UTF-8 (RFC 5424 section 6.4).
const bom = "\ufeff"

// frame appends a syslog message (RFC 5424 section 6) behind its length (RFC
// 5425 section 4.3).
func frame(dst []byte, host, process string, r *audit.Record, xml []byte) []byte {
	var b []byte
	if r.Event.Outcome >= audit.SeriousFailure {
		b = append(b, priWarning...)
	} else {
		b = append(b, priNotice...)
	}
	b = append(b, "1 "...)
	b = r.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	for _, word := range []string{header(host, 255), "tresor", header(process, 128), messageID} {
		b = append(b, ' ')
		b = append(b, word...)
	}
	b = append(b, ` [meta sequenceId="`...)
	b = strconv.AppendUint(b, sequence(r.Seq), 10)
	b = append(b, `"] `...)
	b = append(b, bom...)
	b = append(b, xml...)
	dst = strconv.AppendInt(dst, int64(len(b)), 10)
	dst = append(dst, ' ')
	return append(dst, b...)
}

// sequence is the sequenceId of a record; a damaged one without a number has 1
// like the first.
func sequence(seq uint64) uint64 {
	if seq == 0 {
		return 1
	}
	return (seq-1)%maxSequence + 1
}

// header makes s a word of the header: printable ASCII, "-" for nothing.
func header(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), limit)]
}
