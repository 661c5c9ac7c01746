package report

import (
	"net/netip"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// Change is what became of a system since an earlier survey.
type Change string

// The changes.
const (
	New       Change = "new"       // answers now, did not then
	Gone      Change = "gone"      // answered then, does not now
	Fixed     Change = "fixed"     // was open, answers and is not open now
	Worse     Change = "opened"    // was not open, is now
	Unchanged Change = "unchanged" // as it was
)

// Compare returns what became of every system that answers in either survey.
// A system that was open and is now behind a client certificate is fixed; one
// that was not looked at again is in neither list.
func Compare(before, now *Survey) map[netip.AddrPort]Change {
	out := map[netip.AddrPort]Change{}
	was := map[netip.AddrPort]*survey.Result{}
	for _, e := range before.Systems {
		was[at(e)] = result(e)
	}
	for _, e := range now.Systems {
		old, known := was[at(e)]
		if c := change(known && answers(old), known && open(old), answers(result(e)), open(result(e))); c != "" {
			out[at(e)] = c
		}
	}
	return out
}

// compareHosts does the same for hosts, by those ports that both surveys looked
// at or that are new. before may be nil: nothing is known then.
func compareHosts(before, now *Survey) map[netip.Addr]Change {
	out := map[netip.Addr]Change{}
	if before == nil {
		return out
	}
	looked := map[netip.AddrPort]bool{}
	for _, e := range now.Systems {
		looked[at(e)] = true
	}
	var again []*survey.Envelope
	for _, e := range before.Systems {
		if looked[at(e)] {
			again = append(again, e)
		}
	}
	was := hosts(again)
	for a, h := range hosts(now.Systems) {
		old := was[a]
		if old == nil {
			old = &host{}
		}
		if c := change(old.answers, old.open, h.answers, h.open); c != "" {
			out[a] = c
		}
	}
	return out
}

// change names what became of what answered or was open before and is now; ""
// for what never answered.
func change(answered, wasOpen, answers, isOpen bool) Change {
	switch {
	case answers && !answered:
		return New
	case !answers && answered:
		return Gone
	case !answers:
		return ""
	case wasOpen && !isOpen:
		return Fixed
	case !wasOpen && isOpen:
		return Worse
	}
	return Unchanged
}
