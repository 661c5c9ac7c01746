package file

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

func benchVault(b *testing.B) *Vault {
	b.Helper()
	v, err := opener(b, b.TempDir(), Options{})()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { v.Close() })
	return v.(*Vault)
}

func store(v *Vault, study dicom.UID, data []byte, m archive.Meta) (archive.Location, error) {
	w, err := v.Create(context.Background(), study)
	if err != nil {
		return "", err
	}
	defer w.Abort()
	for rest := data; len(rest) > 0; {
		k := min(len(rest), 128<<10)
		if _, err := w.Write(rest[:k]); err != nil {
			return "", err
		}
		rest = rest[k:]
	}
	l, _, err := w.Commit(context.Background(), m)
	return l, err
}

// reportCPU reports the processor time for each GB since began.
func reportCPU(b *testing.B, size int, began time.Duration) {
	b.StopTimer()
	b.ReportMetric((cpuTime()-began).Seconds()/(float64(b.N)*float64(size)/1e9), "cpu-s/GB")
}

// BenchmarkStore stores objects from several goroutines, synced.
func BenchmarkStore(b *testing.B) {
	for _, size := range []int{10 << 10, 512 << 10, 100 << 20} {
		for _, workers := range []int{1, 4, 8} {
			if size > 1<<20 && workers > 1 {
				continue
			}
			b.Run(fmt.Sprintf("%dK/%d", size>>10, workers), func(b *testing.B) {
				v, data, study := benchVault(b), make([]byte, size), dicom.NewUID()
				m := storetest.NewMeta(study, data)
				m.Summary = summaryOf(4 << 10)
				b.SetBytes(int64(size))
				b.ResetTimer()
				defer reportCPU(b, size, cpuTime())
				var wg sync.WaitGroup
				for w := range workers {
					wg.Go(func() {
						for i := w; i < b.N; i += workers {
							if _, err := store(v, study, data, m); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// BenchmarkFilePerObject is what the vault does not do: a file for every
// object, with its own sync and that of its directory.
func BenchmarkFilePerObject(b *testing.B) {
	for _, size := range []int{10 << 10, 512 << 10} {
		for _, workers := range []int{1, 4, 8} {
			b.Run(fmt.Sprintf("%dK/%d", size>>10, workers), func(b *testing.B) {
				dir, data := b.TempDir(), make([]byte, size)
				b.SetBytes(int64(size))
				b.ResetTimer()
				defer reportCPU(b, size, cpuTime())
				var wg sync.WaitGroup
				for w := range workers {
					wg.Go(func() {
						for i := w; i < b.N; i += workers {
							if err := durable.WriteFile(durable.OS, filepath.Join(dir, fmt.Sprint(i)), data, 0o600); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}

// summaryOf makes a summary of about n bytes that compresses as real ones do.
func summaryOf(n int) []byte {
	b := []byte("{")
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, `"%08X":{"vr":"LO","Value":["value %d of element %x"]},`, 0x00080005+i*0x1003, i*31, i*i*7919)
	}
	return append(b[:len(b)-1], '}')
}

func BenchmarkSummary(b *testing.B) {
	v, m := benchVault(b), summaryOf(8<<10)
	slot, err := v.slots.findOrMake(dicom.NewUID())
	if err != nil {
		b.Fatal(err)
	}
	key, err := v.keys.get(slot)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(m)))
	out := 0
	for b.Loop() {
		s, err := appendSummary(nil, m, key.summary, nil)
		if err != nil {
			b.Fatal(err)
		}
		out = len(s)
	}
	b.ReportMetric(float64(out), "bytes")
}

// BenchmarkSeal writes without commit: the cipher and the page cache.
func BenchmarkSeal(b *testing.B) {
	v, data := benchVault(b), make([]byte, 128<<10)
	w, err := v.Create(context.Background(), dicom.NewUID())
	if err != nil {
		b.Fatal(err)
	}
	defer w.Abort()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := w.Write(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads objects whole from the page cache.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{10 << 10, 512 << 10, 64 << 20} {
		b.Run(fmt.Sprintf("%dK", size>>10), func(b *testing.B) {
			v, data, study := benchVault(b), make([]byte, size), dicom.NewUID()
			l, err := store(v, study, data, storetest.NewMeta(study, data))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				o, err := v.Open(context.Background(), l)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := o.(io.WriterTo).WriteTo(io.Discard); err != nil {
					b.Fatal(err)
				}
				o.Close()
			}
		})
	}
}

// BenchmarkOpen opens a vault of many studies.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	open := opener(b, dir, Options{})
	v, err := open()
	if err != nil {
		b.Fatal(err)
	}
	for range 100_000 {
		if _, err := v.(*Vault).slots.findOrMake(dicom.NewUID()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
		if v, err = open(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.KeepAlive(v)
	v.Close()
}
