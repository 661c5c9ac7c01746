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
		is := result(e)
		switch {
		case answers(is) && (!known || !answers(old)):
			out[at(e)] = New
		case !answers(is) && known && answers(old):
			out[at(e)] = Gone
		case !answers(is):
		case open(old) && !open(is):
			out[at(e)] = Fixed
		case !open(old) && open(is):
			out[at(e)] = Worse
		default:
			out[at(e)] = Unchanged
		}
	}
	return out
}

// tally counts changes.
func tally(changes map[netip.AddrPort]Change, of func(netip.AddrPort) bool) map[Change]int {
	out := map[Change]int{}
	for a, c := range changes {
		if of(a) {
			out[c]++
		}
	}
	return out
}
