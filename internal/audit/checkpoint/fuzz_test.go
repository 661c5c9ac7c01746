package checkpoint

import (
	"bytes"
	"testing"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// FuzzOpen: what is no checkpoint of ours is an error and nothing else; only the
// signed text opens.
func FuzzOpen(f *testing.F) {
	k, err := NewKey("00010203", seed)
	if err != nil {
		f.Fatal(err)
	}
	signed, err := k.sign(Checkpoint{Origin: k.name, Size: 17})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed, k.Public())
	f.Add(append(bytes.Clone(signed), "\u2014 witness.example/w1 AAAA\n"...), k.Public())
	f.Add([]byte("tresor-trail/\n1\n"), "a+00000000+AA==")
	f.Fuzz(func(t *testing.T, b []byte, key string) {
		if c, err := Open(b, key); err == nil && key == k.Public() && (c.Size != 17 || c.Origin != k.name) {
			t.Errorf("%+v", c)
		}
		TrailOf(b)
		body(b)
	})
}

// FuzzCosigner: a key that is taken checks signatures without a panic.
func FuzzCosigner(f *testing.F) {
	f.Add("witness.example+0080fed4+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f", []byte("sig"))
	f.Add("++", make([]byte, 72))
	f.Fuzz(func(t *testing.T, vkey string, sig []byte) {
		c, err := newCosigner(vkey)
		if err == nil && c.Verify([]byte("text\n"), sig) {
			t.Error("a made up signature holds")
		}
	})
}

func BenchmarkUpdateAndVerify(b *testing.B) {
	dir := b.TempDir()
	appendTo(b, dir, 20_000, "a", audit.DefaultFileSize)
	b.ResetTimer()
	for range b.N {
		l := newLog(b, dir)
		if err := l.Restart(b.Context()); err != nil {
			b.Fatal(err)
		}
		signed, err := l.Latest()
		if err != nil {
			b.Fatal(err)
		}
		if _, found, err := Verify(b.Context(), dir, signed, l.Public()); err != nil || len(found) > 0 {
			b.Fatal(found, err)
		}
	}
	b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "records/s")
}
