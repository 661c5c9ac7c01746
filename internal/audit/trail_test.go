package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

func open(t testing.TB, dir string, o Options) *Trail {
	t.Helper()
	trail, err := Open(dir, newTestBox(1), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trail.Close() })
	return trail
}

func event(i int) Event {
	return Event{
		Code: InstancesTransferred, Action: Create, PrincipalKind: "device", Principal: "ct1",
		Peer: "10.0.0.7:40001", CallingAET: "CT1", CalledAET: "TRESOR", Association: "a-17",
		Patients: []string{fmt.Sprintf("P%d", i)}, Studies: []dicom.UID{dicom.UID(fmt.Sprintf("1.2.3.%d", i))},
		Series: []dicom.UID{"1.2.3.4.5"}, Instances: []dicom.UID{dicom.UID(fmt.Sprintf("1.2.3.4.5.%d", i))},
		SOPClasses: []dicom.UID{"1.2.840.10008.5.1.4.1.1.2"},
	}
}

func appendN(t testing.TB, trail *Trail, n int) {
	t.Helper()
	for i := range n {
		if _, err := trail.Append(context.Background(), event(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func collect(t testing.TB, dir string, f Filter) []Record {
	t.Helper()
	var records []Record
	for r, err := range Search(context.Background(), dir, newTestBox(1), f) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func TestAppendNumbersAndReopens(t *testing.T) {
	dir := t.TempDir()
	trail := open(t, dir, Options{})
	for i := range 3 {
		if seq, err := trail.Append(context.Background(), event(i)); err != nil || seq != uint64(i+1) {
			t.Fatalf("append %d: seq %d, %v", i, seq, err)
		}
	}
	if err := trail.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := trail.Append(context.Background(), event(0)); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
	trail = open(t, dir, Options{})
	if seq, err := trail.Append(context.Background(), event(3)); err != nil || seq != 4 {
		t.Fatalf("append after reopening: seq %d, %v", seq, err)
	}
	records := collect(t, dir, Filter{})
	if len(records) != 4 || records[3].Seq != 4 || records[3].Event.Patients[0] != "P3" {
		t.Fatalf("found %+v", records)
	}
}

func TestConcurrentAppends(t *testing.T) {
	dir := t.TempDir()
	trail := open(t, dir, Options{FileSize: 20_000})
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint64]bool{}
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				seq, err := trail.Append(context.Background(), event(i))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[seq] {
					t.Errorf("number %d given twice", seq)
				}
				seen[seq] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if seq, _ := trail.Head(); seq != 400 || len(seen) != 400 {
		t.Fatalf("head at %d, %d numbers", seq, len(seen))
	}
	if n := len(collect(t, dir, Filter{})); n != 400 {
		t.Fatalf("found %d records", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			trail := open(b, b.TempDir(), Options{})
			b.ReportAllocs()
			start := time.Now()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for i := range b.N / callers {
						if _, err := trail.Append(context.Background(), event(i)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "appends/s")
		})
	}
}
