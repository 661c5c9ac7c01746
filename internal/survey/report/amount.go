package report

import (
	"fmt"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// amount is a number and how well it is known: a sample is not printed as if it
// were a count.
type amount struct {
	known, exact bool
	least        bool // no more is known than that there are so many
	interval     bool // low and high are a 95 % interval
	n, low, high int64
}

// studiesOf is how many studies a port showed.
func studiesOf(r *survey.Result) amount {
	if r.Studies == nil {
		return amount{}
	}
	n := *r.Studies
	if r.Size == nil || r.Size.Exact {
		return amount{known: true, exact: true, n: n, low: n, high: n}
	}
	return amount{known: true, least: r.Size.Low == r.Size.High, interval: r.Size.Low < r.Size.High, n: n, low: r.Size.Low, high: r.Size.High}
}

// imagesOf is how many images a port showed. Of a sample there is no interval.
func imagesOf(r *survey.Result) amount {
	if r.Images == nil {
		return amount{}
	}
	return amount{known: true, exact: r.Size == nil || r.Size.Exact, n: *r.Images, low: *r.Images, high: *r.Images}
}

// max is the one that is known, or the larger one.
func (a amount) max(b amount) amount {
	if !a.known || b.known && b.n > a.n {
		return b
	}
	return a
}

// plus adds what is known; intervals add up to one that is rather too wide.
func (a amount) plus(b amount) amount {
	if !a.known || !b.known {
		if a.known {
			return a
		}
		return b
	}
	return amount{known: true, exact: a.exact && b.exact, least: a.least || b.least,
		interval: (a.interval || a.exact) && (b.interval || b.exact) && !(a.exact && b.exact),
		n:        a.n + b.n, low: a.low + b.low, high: a.high + b.high}
}

// amount writes a number with how well it is known.
func (l Language) amount(a amount) string {
	words := map[Language][3]string{English: {"at least %s", "about %s (95 %% between %s and %s)", "about %s"},
		German: {"mindestens %s", "etwa %s (zu 95 %% zwischen %s und %s)", "etwa %s"}}[l]
	switch {
	case !a.known:
		return l.unknown()
	case a.exact:
		return group(a.n)
	case a.least:
		return fmt.Sprintf(words[0], group(a.low))
	case a.interval:
		return fmt.Sprintf(words[1], group(a.n), group(a.low), group(a.high))
	}
	return fmt.Sprintf(words[2], group(a.n))
}
