package ul

import (
	"bytes"
	"io"
	"testing"
)

// discard is io.Discard without ReaderFrom, which would copy.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkMessages sends 16 MiB messages over loopback: both ends in one process.
func BenchmarkMessages(b *testing.B) {
	for name, max := range map[string]uint32{"16KiB": 16 << 10, "128KiB": 128 << 10} {
		b.Run(name, func(b *testing.B) {
			client, server := tcpPair(b)
			r, s := pair(b, client, server, RequestOptions{}, AcceptOptions{Options: Options{MaxPDU: max}})
			data := bytes.NewReader(make([]byte, 16<<20))
			b.SetBytes(data.Size())
			b.ReportAllocs()
			b.ResetTimer()
			go func() {
				for range b.N {
					data.Seek(0, io.SeekStart)
					r.Send(3, []byte{1, 2}, data)
				}
			}()
			for range 2 * b.N {
				p, err := s.NextPart()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := p.WriteTo(discard{}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			go s.Abort()
			r.Close()
		})
	}
}
