package audit

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

func validLine() []byte {
	b := appendLeaf(nil, 7, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), []byte("sealed"))
	return fmt.Appendf(b, " %s", trailID{}.genesis().chain(leafHash(b)))
}

func TestParseLineRefuses(t *testing.T) {
	good := string(validLine())
	if _, err := parseLine([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", " ", good + " ", " " + good, good + "\r", "0" + good, "+" + good, "-" + good, "18446744073709551616" + good[1:],
		good[:len(good)-1], good + "A", good[:len(good)-1] + "+", "7 2026-01-02T03:04:05Z" + good[29:],
	} {
		if _, err := parseLine([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzLine: a line that is taken has one spelling.
func FuzzLine(f *testing.F) {
	f.Add(validLine())
	f.Add(header{trailID{1}, 1, 1, hash{2}}.append(nil))
	f.Add([]byte("1 2026-01-02T03:04:05.000000Z AA A"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := parseLine(b); err == nil {
			again := fmt.Appendf(appendLeaf(nil, l.seq, l.time, l.sealed), " %s", l.chain)
			if !bytes.Equal(again, b) {
				t.Fatalf("%q and %q are the same line", b, again)
			}
		}
		if h, err := parseHeader(b); err == nil && !bytes.Equal(bytes.TrimSuffix(h.append(nil), []byte{'\n'}), b) {
			t.Fatalf("%q is not the header's only spelling", b)
		}
	})
}

// FuzzHead: a head that is taken has one spelling of its text, and its tag counts.
func FuzzHead(f *testing.F) {
	box := newTestBox(1)
	p := position{id: trailID{1}, turn: 2, file: 3, offset: 4, seq: 5, chain: hash{6}}
	f.Add(p.slot(box))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := parseSlot(b, nil)
		if err == nil && !bytes.HasPrefix(b, append(q.text(), ' ')) {
			t.Fatalf("%q is not the head's only spelling", b)
		}
		if q, err := parseSlot(b, box); err == nil && q != p {
			t.Fatalf("a head that nobody made: %q", b)
		}
	})
}
