package checkpoint

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tresor-pacs/tresor/internal/durable"
)

// Witness is somebody who keeps our latest checkpoint, and signs a newer one if
// it continues that (c2sp.org/tlog-witness).
type Witness struct {
	url    string
	cosign *cosigner
	client *http.Client
	kept   uint64 // size of the checkpoint that it has, as far as we know
}

// NewWitness returns the witness at the submission prefix (an https URL) whose
// cosignatures the verifier key vkey checks.
func NewWitness(prefix, vkey string, client *http.Client) (*Witness, error) {
	u, err := url.Parse(prefix)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		return nil, errors.New("checkpoint: a witness's address is an https URL")
	}
	c, err := newCosigner(vkey)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: witness %s: %w", u.Host, err)
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Witness{url: strings.TrimSuffix(prefix, "/") + "/add-checkpoint", cosign: c, client: &own}, nil
}

// Name returns the name of the witness's key.
func (w *Witness) Name() string { return w.cosign.name }

// maxAnswer is how much of a witness's answer is read.
const maxAnswer = 16 << 10

// Submit sends the latest checkpoint to the witness and adds its cosignature to
// the file, unless it has it. An error that wraps ErrInconsistent says that the
// witness has another history of this trail.
func (l *Log) Submit(ctx context.Context, w *Witness) error {
	signed, err := l.Latest()
	if err != nil {
		return err
	}
	if w.has(signed) {
		return nil
	}
	c, err := Open(signed, l.key.public)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		lines, kept, err := l.submit(ctx, w, c, signed)
		var conflict *conflictError
		if errors.As(err, &conflict) && try == 0 && conflict.size <= c.Size {
			w.kept = conflict.size
			continue
		}
		if err != nil {
			return fmt.Errorf("checkpoint: witness %s: %w", w.Name(), err)
		}
		w.kept = kept
		return l.addSignatures(signed, lines)
	}
}

// ErrInconsistent says that a witness knows another history than ours.
var ErrInconsistent = errors.New("the witness has another history of this trail")

// conflictError says that the witness has a checkpoint of another size.
type conflictError struct{ size uint64 }

func (e *conflictError) Error() string {
	return fmt.Sprintf("%v: it has a checkpoint of %d records", ErrInconsistent, e.size)
}

func (e *conflictError) Unwrap() error { return ErrInconsistent }

// submit asks once; it returns the signature lines.
func (l *Log) submit(ctx context.Context, w *Witness, c Checkpoint, signed []byte) (lines []byte, kept uint64, err error) {
	request, err := l.request(w, c, signed)
	if err != nil {
		return nil, 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(request))
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	answer, err := w.client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("read its answer: %w", err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		lines, err := w.check(signed, text)
		return lines, c.Size, err
	case http.StatusConflict:
		typ, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
		size, err := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 63)
		if typ != "text/x.tlog.size" || err != nil {
			return nil, 0, ErrInconsistent
		}
		return nil, 0, &conflictError{size}
	case http.StatusUnprocessableEntity:
		return nil, 0, fmt.Errorf("%w: it refuses the proof of consistency", ErrInconsistent)
	}
	return nil, 0, fmt.Errorf("it answers %s", answer.Status)
}

// request is the body of add-checkpoint: the size that the witness has, the
// proof that ours continues it, and the checkpoint.
func (l *Log) request(w *Witness, c Checkpoint, signed []byte) ([]byte, error) {
	b := fmt.Appendf(nil, "old %d\n", w.kept)
	if w.kept > 0 && w.kept < c.Size {
		proof, err := l.prove(c, w.kept)
		if err != nil {
			return nil, err
		}
		for _, h := range proof {
			b = append(base64.StdEncoding.AppendEncode(b, h[:]), '\n')
		}
	}
	b = append(b, '\n')
	return append(b, signed...), nil
}

// prove proves that c continues the tree of its first records (RFC 6962 section
// 2.1.2).
func (l *Log) prove(c Checkpoint, size uint64) (tlog.TreeProof, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := l.fsys.OpenFile(filepath.Join(l.dir, hashesName), 0, 0)
	if err != nil {
		return nil, fmt.Errorf("open the tree: %w", err)
	}
	defer f.Close()
	h := &hashes{f: f, written: tlog.StoredHashCount(int64(c.Size))}
	proof, err := tlog.ProveTree(int64(c.Size), int64(size), h)
	if err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	return proof, nil
}

// has reports whether the witness has signed already.
func (w *Witness) has(signed []byte) bool {
	_, err := note.Open(signed, note.VerifierList(w.cosign))
	return err == nil
}

// check returns the witness's signature lines; others are dropped.
func (w *Witness) check(signed, answer []byte) ([]byte, error) {
	var lines []byte
	for s := bufio.NewScanner(bytes.NewReader(answer)); s.Scan(); {
		line := append(bytes.Clone(s.Bytes()), '\n')
		one := append(append(body(signed), '\n'), line...)
		if w.has(one) {
			lines = append(lines, line...)
		}
	}
	if lines == nil {
		return nil, errors.New("its answer has no good signature of its key")
	}
	return lines, nil
}

// addSignatures appends signature lines to the latest checkpoint, if it is still
// the one that was signed.
func (l *Log) addSignatures(signed, lines []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.locked(func() error {
		now, err := l.Latest()
		if err != nil || !bytes.Equal(body(now), body(signed)) {
			return err
		}
		return durable.WriteFile(l.fsys, filepath.Join(l.dir, checkpointName), append(now, lines...), 0o600)
	})
}
