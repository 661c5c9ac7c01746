package pixel

import (
	"context"
	"runtime"
)

// slots bounds how many frames are transcoded at once, whoever asks: more than
// there are processors would make all of them late, and cost memory.
var slots = make(chan struct{}, runtime.GOMAXPROCS(0))

// work does f, which decodes or encodes one frame, when there is a slot for it.
func (t *Transcoder) work(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-slots }()
	return f()
}
