package main

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows the progress of long work on a terminal; elsewhere, and with
// --json, it shows nothing.
type bar struct{ shown *progressbar.ProgressBar }

// newBar returns a bar for total steps, -1 if that is not known.
func newBar(g *globals, o out, total int, unit string) *bar {
	f, ok := o.Err.(*os.File)
	if g.JSON || !ok || !term.IsTerminal(int(f.Fd())) {
		return &bar{}
	}
	return &bar{progressbar.NewOptions(total, progressbar.OptionSetWriter(f), progressbar.OptionShowCount(),
		progressbar.OptionSetItsString(unit), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100_000_000))}
}

func (b *bar) add(n int) {
	if b.shown != nil {
		b.shown.Add(n)
	}
}

func (b *bar) clear() {
	if b.shown != nil {
		b.shown.Clear()
	}
}

func (b *bar) finish() {
	if b.shown != nil {
		b.shown.Finish()
	}
}
