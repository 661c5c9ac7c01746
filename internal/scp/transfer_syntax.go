package scp

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// errNeedsCodec says that the target takes the instance only in transfer
// syntaxes to which it cannot be brought.
var errNeedsCodec = errors.New("the target takes it only in transfer syntaxes into which it cannot be brought without loss")

// converter returns what brings the object into the first of the transfer
// syntaxes that can hold it without loss; nil if that is the stored one.
func (t *transfer) converter(ctx context.Context, o archive.Object, e *archive.Entry, syntaxes []dicom.UID) (*pixel.Transcoder, error) {
	var refused error
	for _, u := range syntaxes {
		if u == e.TransferSyntax {
			return nil, nil
		}
		c, err := pixel.NewTranscoder(ctx, o, e.Length, e.TransferSyntax, u, pixel.TranscodeOptions{Limits: t.assoc.provider.Limits})
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, pixel.ErrUnsupported) {
			return nil, err
		}
		refused = err
	}
	return nil, fmt.Errorf("%w: %w", errNeedsCodec, refused)
}

// streamed returns what c writes; stop ends it.
func streamed(ctx context.Context, c *pixel.Transcoder) (_ io.Reader, stop func()) {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(guarded(func() error { return c.WriteTo(ctx, pw) }))
	}()
	return pr, func() {
		pr.Close()
		<-done
	}
}
