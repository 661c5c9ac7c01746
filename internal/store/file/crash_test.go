package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/durable/durabletest"
	"github.com/tresor-pacs/tresor/internal/seal"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// fate is what must be true of something after a crash.
type fate int

const (
	there  fate = iota // acknowledged
	either             // no answer came, or an error
	gone               // its deletion or erasure was acknowledged
)

// known is an object that a history made.
type known struct {
	study dicom.UID
	data  []byte
	fate  fate
}

// history runs random operations on a vault and remembers what it was answered.
type history struct {
	t       *testing.T
	r       *rand.Rand
	fsys    *durabletest.FS
	v       *Vault
	studies []dicom.UID
	mu      sync.Mutex
	objects map[archive.Location]*known
	lost    map[[32]byte]bool // hashes of objects whose commit failed
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{t: t, r: rand.New(rand.NewPCG(seed, 7)), fsys: durabletest.New(),
		objects: map[archive.Location]*known{}, lost: map[[32]byte]bool{}}
	for range 3 {
		h.studies = append(h.studies, dicom.NewUID())
	}
	return h
}

// open opens the vault; small packs make it roll often.
func (h *history) open() error {
	ring, err := seal.OpenKeyring("/dir/keys", seal.Options{FS: h.fsys})
	if err != nil {
		return err
	}
	h.v, err = Open("/dir/vault", ring, Options{FS: h.fsys, PackSize: 96 << 10, Log: quiet})
	return err
}

func (h *history) bytes() []byte {
	n := h.r.IntN(20_000)
	if h.r.IntN(16) == 0 {
		n = maxInline + h.r.IntN(100_000)
	}
	b := make([]byte, n)
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], h.r.Uint64())
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails
	return b
}

// step does one random thing. Errors are remembered, not reported: calls are made to fail.
func (h *history) step() {
	switch h.r.IntN(12) {
	case 0:
		if l, o := h.any(); o != nil {
			h.settle(o, h.v.Delete(context.Background(), l))
		}
	case 1:
		study := h.studies[h.r.IntN(len(h.studies))]
		err := h.v.Erase(context.Background(), study)
		for _, o := range h.objects {
			if o.study == study && o.fate != gone {
				h.settle(o, err)
			}
		}
	case 2:
		_ = h.v.RotateKeys(context.Background())
	case 3:
		_, _ = h.v.Reclaim(context.Background())
	case 4:
		_ = h.v.Close()
		_ = h.open()
	case 5: // several share a sync
		var wg sync.WaitGroup
		for range 3 {
			study, data := h.studies[h.r.IntN(len(h.studies))], h.bytes()
			wg.Go(func() { h.store(study, data) })
		}
		wg.Wait()
	default:
		h.store(h.studies[h.r.IntN(len(h.studies))], h.bytes())
	}
}

func (h *history) settle(o *known, err error) {
	o.fate = gone
	if err != nil {
		o.fate = either
	}
}

func (h *history) any() (archive.Location, *known) {
	for l, o := range h.objects {
		if o.fate == there {
			return l, o
		}
	}
	return "", nil
}

func (h *history) store(study dicom.UID, data []byte) {
	m := storetest.NewMeta(study, data)
	l, err := store(h.v, study, data, m)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.lost[m.SHA256] = true
		return
	}
	h.objects[l] = &known{study: study, data: data}
}

// verify opens the vault again and compares it with what was answered.
func (h *history) verify(when string) {
	h.t.Helper()
	if err := h.open(); err != nil {
		h.t.Fatalf("%s: %v", when, err)
	}
	ctx := context.Background()
	for l, o := range h.objects {
		err := h.v.Check(ctx, l)
		switch {
		case err == nil && o.fate == gone, err != nil && o.fate == there,
			err != nil && !errors.Is(err, archive.ErrNotFound):
			h.t.Fatalf("%s: %s with fate %d: %v", when, l, o.fate, err)
		case err == nil:
			h.same(when, l, o)
		}
	}
	if _, err := h.v.Walk(ctx, "", func(l archive.Location, m archive.Meta) error {
		o := h.objects[l]
		if o == nil && !h.lost[m.SHA256] || o != nil && o.fate == gone {
			return fmt.Errorf("walk meets %s, which should not be there", l)
		}
		return h.v.Check(ctx, l)
	}); err != nil {
		h.t.Fatalf("%s: %v", when, err)
	}
	in, err := h.v.Inspect(ctx)
	if err != nil || len(in.Missing) > 0 || len(in.Damage.At) > 0 {
		h.t.Fatalf("%s: %+v, %v", when, in, err)
	}
	h.store(h.studies[0], []byte("after"))
	if h.v.Failed() != nil {
		h.t.Fatalf("%s: %v", when, h.v.Failed())
	}
	if err := h.v.Close(); err != nil {
		h.t.Fatalf("%s: %v", when, err)
	}
}

func (h *history) same(when string, l archive.Location, o *known) {
	h.t.Helper()
	obj, err := h.v.Open(context.Background(), l)
	if err != nil {
		h.t.Fatalf("%s: %v", when, err)
	}
	defer obj.Close()
	var b bytes.Buffer
	if _, err := obj.(*Object).WriteTo(&b); err != nil || !bytes.Equal(b.Bytes(), o.data) || obj.Meta().Study != o.study {
		h.t.Fatalf("%s: %s has other bytes: %v", when, l, err)
	}
}

// run does steps until the failure has come, and some more.
func (h *history) run(failAt int, dies bool) {
	if err := h.open(); err != nil {
		h.t.Fatal(err)
	}
	h.fsys.FailAt(failAt, dies)
	for range 25 {
		h.step()
		if h.v == nil { // a step reopened the vault and was told to fail
			break
		}
	}
}

// histories is how many random histories a test runs; TRESOR_LONG_TESTS asks for many.
func histories() int {
	switch {
	case os.Getenv("TRESOR_LONG_TESTS") != "":
		return 1000
	case testing.Short():
		return 10
	}
	return 30
}

// TestPowerLoss cuts the power at a random call, several times in one history.
func TestPowerLoss(t *testing.T) {
	for seed := range uint64(histories()) {
		h := newHistory(t, seed)
		for round := range 3 {
			at := 1 + h.r.IntN(300)
			h.run(at, true)
			if h.v != nil {
				h.v.abandon()
			}
			h.fsys = h.fsys.Crash(h.r)
			h.verify(fmt.Sprintf("seed %d, round %d, call %d", seed, round, at))
		}
	}
}

// TestPowerLossAtEveryCall cuts the power at every call of one history.
func TestPowerLossAtEveryCall(t *testing.T) {
	for at := 1; ; at++ {
		h := newHistory(t, 3)
		h.run(at, true)
		calls := h.fsys.Calls()
		if h.v != nil {
			h.v.abandon()
		}
		h.fsys = h.fsys.Crash(h.r)
		h.verify(fmt.Sprintf("call %d", at))
		if at > calls || at > histories() {
			return
		}
	}
}

// TestFailedCall lets one call fail, a write half done, at every call in turn:
// the vault goes on or stops, and what it acknowledged is there.
func TestFailedCall(t *testing.T) {
	for seed := range uint64(histories()) {
		h := newHistory(t, seed)
		at := 1 + h.r.IntN(150)
		h.run(at, false)
		if h.v != nil {
			_ = h.v.Close()
		}
		h.fsys.FailAt(0, false)
		h.verify(fmt.Sprintf("seed %d, call %d", seed, at))
		h.fsys = h.fsys.Crash(h.r)
		h.verify(fmt.Sprintf("seed %d, call %d, then power loss", seed, at))
	}
}

// TestStops checks that the vault takes nothing after a failed sync.
func TestStops(t *testing.T) {
	h := newHistory(t, 1)
	if err := h.open(); err != nil {
		t.Fatal(err)
	}
	h.store(h.studies[0], []byte("one"))
	for n := 1; h.v.Failed() == nil; n++ {
		h.fsys.FailAt(n, false)
		h.store(h.studies[0], []byte("two"))
	}
	calls := h.fsys.Calls()
	ctx := context.Background()
	l, _ := h.any()
	if _, err := h.v.Create(ctx, h.studies[1]); !errors.Is(err, durabletest.ErrInjected) {
		t.Errorf("create: %v", err)
	}
	if err := h.v.Delete(ctx, l); !errors.Is(err, durabletest.ErrInjected) {
		t.Errorf("delete: %v", err)
	}
	if err := h.v.Erase(ctx, h.studies[0]); !errors.Is(err, durabletest.ErrInjected) {
		t.Errorf("erase: %v", err)
	}
	if err := h.v.Check(ctx, l); err != nil {
		t.Errorf("reading after the failure: %v", err)
	}
	if h.fsys.Calls() != calls {
		t.Error("something was written after the failure")
	}
}

// abandon ends the goroutine of a vault whose machine is off.
func (v *Vault) abandon() {
	_ = v.note(&fatalError{errors.New("the machine is off")})
	_ = v.Close()
}
