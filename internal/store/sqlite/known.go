package sqlite

import (
	"slices"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
)

// knownSeries remembers the series that instances came for lately, so that the
// next one needs no look at patient, study and series. Callers of Add ask it
// whether a header has news; the writer alone changes it.
type knownSeries struct {
	mu     sync.RWMutex
	series map[seriesKey]*seriesRow
	words  map[string]int64
}

type seriesKey struct{ study, series dicom.UID }

// seriesRow is a series in the database.
type seriesRow struct {
	id      int64
	classes []int64
	seen    []uint64 // fingerprints of headers that brought nothing new any more
}

const (
	maxKnown        = 10_000
	maxFingerprints = 4
)

// has reports whether the series is known and a header with this fingerprint
// has nothing new to say about it.
func (k *knownSeries) has(key seriesKey, fingerprint uint64) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	r := k.series[key]
	return r != nil && slices.Contains(r.seen, fingerprint)
}

func (k *knownSeries) get(key seriesKey) *seriesRow {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.series[key]
}

// saw remembers that the series has taken over all that a header says.
func (k *knownSeries) saw(key seriesKey, id int64, fingerprint uint64) *seriesRow {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.series == nil || len(k.series) >= maxKnown {
		k.series = make(map[seriesKey]*seriesRow)
	}
	r := k.series[key]
	if r == nil {
		r = &seriesRow{id: id}
		k.series[key] = r
	}
	if len(r.seen) >= maxFingerprints {
		r.seen = r.seen[1:]
	}
	r.seen = append(r.seen, fingerprint)
	return r
}

func (k *knownSeries) word(text string) (int64, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	id, ok := k.words[text]
	return id, ok
}

func (k *knownSeries) addWord(text string, id int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.words == nil || len(k.words) >= maxKnown {
		k.words = make(map[string]int64)
	}
	k.words[text] = id
}

func (k *knownSeries) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.series, k.words = nil, nil
}
