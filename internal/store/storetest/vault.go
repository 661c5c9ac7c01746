package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// OpenVault opens a vault. Called again after the vault was closed, it opens
// the same one again.
type OpenVault func() (archive.Vault, error)

// TestVault is the suite that every archive.Vault passes. fresh is called once
// a test and returns how to open a vault that is empty at first.
func TestVault(t *testing.T, fresh func(t *testing.T) OpenVault) {
	for name, test := range map[string]func(*testing.T, *vaultTest){
		"sizes":      testSizes,
		"ranges":     testRanges,
		"reopen":     testReopen,
		"walk":       testWalk,
		"delete":     testDelete,
		"erase":      testErase,
		"abort":      testAbort,
		"refuse":     testRefuse,
		"concurrent": testConcurrent,
		"closed":     testClosed,
	} {
		t.Run(name, func(t *testing.T) {
			v := &vaultTest{t: t, ctx: context.Background(), open: fresh(t)}
			v.reopen()
			defer v.close()
			test(t, v)
		})
	}
}

// vaultTest is a vault under test with helpers that end the test on errors.
type vaultTest struct {
	t    *testing.T
	ctx  context.Context
	open OpenVault
	archive.Vault
}

func (v *vaultTest) reopen() {
	v.t.Helper()
	v.close()
	vault, err := v.open()
	if err != nil {
		v.t.Fatalf("open: %v", err)
	}
	v.Vault = vault
}

func (v *vaultTest) close() {
	v.t.Helper()
	if v.Vault == nil {
		return
	}
	if err := v.Close(); err != nil {
		v.t.Errorf("close: %v", err)
	}
	v.Vault = nil
}

// stored is an object that was committed.
type stored struct {
	meta     archive.Meta
	data     []byte
	location archive.Location
	mark     archive.Mark
}

// NewMeta returns made-up metadata of an object with these bytes.
func NewMeta(study dicom.UID, data []byte) archive.Meta {
	return archive.Meta{
		Kind: archive.KindInstance, Study: study, Series: dicom.NewUID(), Instance: dicom.NewUID(),
		SOPClass: "1.2.840.10008.5.1.4.1.1.2", TransferSyntax: "1.2.840.10008.1.2.1",
		Length: int64(len(data)), SHA256: sha256.Sum256(data),
		Received: time.Date(2026, 3, 4, 5, 6, 7, 890, time.UTC), Source: "ct-1",
		Summary: fmt.Appendf(nil, `{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Invented^%d"}]}}`, len(data)),
	}
}

func (v *vaultTest) put(study dicom.UID, data []byte) stored {
	v.t.Helper()
	s, err := put(v.ctx, v.Vault, study, data)
	if err != nil {
		v.t.Fatal(err)
	}
	return s
}

func put(ctx context.Context, v archive.Vault, study dicom.UID, data []byte) (stored, error) {
	s := stored{meta: NewMeta(study, data), data: data}
	w, err := v.Create(ctx, study)
	if err != nil {
		return s, fmt.Errorf("create: %w", err)
	}
	defer w.Abort() // nothing, after Commit
	for rest, n := data, 1; len(rest) > 0; n = n*3 + 1 {
		k := min(n, len(rest))
		if _, err := w.Write(rest[:k]); err != nil {
			return s, fmt.Errorf("write: %w", err)
		}
		rest = rest[k:]
	}
	s.location, s.mark, err = w.Commit(ctx, s.meta)
	if err != nil {
		return s, fmt.Errorf("commit: %w", err)
	}
	if len(s.location) == 0 || len(s.location) > 64 || len(s.mark) == 0 || len(s.mark) > 64 {
		return s, fmt.Errorf("location %q, mark %q", s.location, s.mark)
	}
	return s, nil
}

// check reads an object back.
func (v *vaultTest) check(s stored) {
	v.t.Helper()
	if err := check(v.ctx, v.Vault, s); err != nil {
		v.t.Error(err)
	}
}

func check(ctx context.Context, v archive.Vault, s stored) error {
	o, err := v.Open(ctx, s.location)
	if err != nil {
		return fmt.Errorf("open %s: %w", s.location, err)
	}
	defer o.Close()
	m, err := v.Meta(ctx, s.location)
	if err != nil {
		return fmt.Errorf("meta of %s: %w", s.location, err)
	}
	if err := errors.Join(sameMeta(o.Meta(), &s.meta), sameMeta(m, &s.meta)); err != nil {
		return err
	}
	got, err := io.ReadAll(io.NewSectionReader(o, 0, s.meta.Length+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", s.location, err)
	}
	if !bytes.Equal(got, s.data) {
		return fmt.Errorf("%s: read %d bytes that are not the %d written", s.location, len(got), len(s.data))
	}
	return nil
}

func sameMeta(got, want *archive.Meta) error {
	g, w := *got, *want
	if !bytes.Equal(g.Summary, w.Summary) {
		return fmt.Errorf("summary of %d bytes, want %d", len(g.Summary), len(w.Summary))
	}
	if !g.Received.Equal(w.Received) || g.Received.Location() != time.UTC {
		return fmt.Errorf("received %v, want %v", g.Received, w.Received)
	}
	g.Summary, w.Summary, g.Received, w.Received = nil, nil, time.Time{}, time.Time{}
	if fmt.Sprintf("%+v", g) != fmt.Sprintf("%+v", w) {
		return fmt.Errorf("meta %+v, want %+v", g, w)
	}
	return nil
}

func (v *vaultTest) gone(s stored) {
	v.t.Helper()
	if _, err := v.Open(v.ctx, s.location); !errors.Is(err, archive.ErrNotFound) {
		v.t.Errorf("open what is gone: %v", err)
	}
	if _, err := v.Meta(v.ctx, s.location); !errors.Is(err, archive.ErrNotFound) {
		v.t.Errorf("meta of what is gone: %v", err)
	}
}

// walked checks that Walk sees exactly these objects after a mark, and returns its mark.
func (v *vaultTest) walked(after archive.Mark, want ...stored) archive.Mark {
	v.t.Helper()
	n := 0
	mark, err := v.Walk(v.ctx, after, func(l archive.Location, m archive.Meta) error {
		if n >= len(want) {
			return fmt.Errorf("%s is one too many", l)
		}
		s := want[n]
		n++
		if l != s.location {
			return fmt.Errorf("location %s, want %s", l, s.location)
		}
		return sameMeta(&m, &s.meta)
	})
	if err != nil {
		v.t.Errorf("walk: %v", err)
	}
	if n != len(want) {
		v.t.Errorf("walk saw %d objects, want %d", n, len(want))
	}
	return mark
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b
}

func testSizes(_ *testing.T, v *vaultTest) {
	study := dicom.NewUID()
	var all []stored
	for _, n := range []int{0, 1, 100, 65479, 65480, 65481, 131000, 131001, 1 << 20, 1<<20 + 1, 3<<20 + 17} {
		s := v.put(study, random(n))
		v.check(s)
		all = append(all, s)
	}
	v.walked("", all...)
}

func testRanges(t *testing.T, v *vaultTest) {
	for _, size := range []int{300_000, 5 << 20} {
		s := v.put(dicom.NewUID(), random(size))
		o, err := v.Open(v.ctx, s.location)
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		for _, r := range [][2]int{{0, 1}, {65479, 2}, {65480, 65520}, {1000, 200_000}, {size - 1, 1}, {size - 70_000, 70_000}, {7, 0}} {
			p := make([]byte, r[1])
			if n, err := o.ReadAt(p, int64(r[0])); n != r[1] || err != nil && err != io.EOF {
				t.Errorf("read %v: %d, %v", r, n, err)
			}
			if !bytes.Equal(p, s.data[r[0]:r[0]+r[1]]) {
				t.Errorf("read %v: wrong bytes", r)
			}
		}
		p := make([]byte, 10)
		if n, err := o.ReadAt(p, int64(size-4)); n != 4 || err != io.EOF {
			t.Errorf("read over the end: %d, %v", n, err)
		}
		if n, err := o.ReadAt(p, int64(size+4)); n != 0 || err != io.EOF {
			t.Errorf("read after the end: %d, %v", n, err)
		}
		if _, err := o.ReadAt(p, -1); err == nil || err == io.EOF {
			t.Errorf("read before the start: %v", err)
		}
	}
}

func testReopen(_ *testing.T, v *vaultTest) {
	study := dicom.NewUID()
	a, b := v.put(study, random(1000)), v.put(dicom.NewUID(), random(2<<20))
	v.reopen()
	c := v.put(study, random(10))
	v.reopen()
	for _, s := range []stored{a, b, c} {
		v.check(s)
	}
	v.walked("", a, b, c)
	v.walked(b.mark, c)
}

func testWalk(t *testing.T, v *vaultTest) {
	if m := v.walked(""); m != "" {
		v.walked(m)
	}
	a, b, c := v.put(dicom.NewUID(), random(10)), v.put(dicom.NewUID(), random(20)), v.put(dicom.NewUID(), random(30))
	end := v.walked("", a, b, c)
	v.walked(a.mark, b, c)
	v.walked(c.mark)
	v.walked(end)
	d := v.put(dicom.NewUID(), random(40))
	v.walked(end, d)
	stop := errors.New("stop")
	mark, err := v.Walk(v.ctx, "", func(l archive.Location, _ archive.Meta) error {
		if l == b.location {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		t.Errorf("walk that was stopped: %v", err)
	}
	v.walked(mark, b, c, d) // the mark lies after the last one that was taken
	if _, err := v.Walk(v.ctx, "nonsense!", nil); err == nil {
		t.Error("walk took a malformed mark")
	}
}

func testDelete(t *testing.T, v *vaultTest) {
	study := dicom.NewUID()
	a, b, c := v.put(study, random(100)), v.put(study, random(2<<20)), v.put(study, random(300))
	for _, s := range []stored{a, b} {
		if err := v.Delete(v.ctx, s.location); err != nil {
			t.Fatal(err)
		}
		v.gone(s)
		if err := v.Delete(v.ctx, s.location); !errors.Is(err, archive.ErrNotFound) {
			t.Errorf("delete twice: %v", err)
		}
	}
	for range 2 {
		v.walked("", c)
		v.check(c)
		v.gone(a)
		v.reopen()
	}
	for _, l := range []archive.Location{"", "nonsense", "../../etc/passwd", c.location + "0", c.location[1:]} {
		if _, err := v.Open(v.ctx, l); !errors.Is(err, archive.ErrNotFound) {
			t.Errorf("open %q: %v", l, err)
		}
	}
}

func testErase(t *testing.T, v *vaultTest) {
	study, other := dicom.NewUID(), dicom.NewUID()
	a, b, keep := v.put(study, random(100)), v.put(study, random(2<<20)), v.put(other, random(5))
	w, err := v.Create(v.ctx, study)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Erase(v.ctx, study); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Commit(v.ctx, NewMeta(study, nil)); err == nil {
		t.Error("an object begun before its study was erased was committed after")
	}
	if err := v.Erase(v.ctx, dicom.NewUID()); err != nil {
		t.Errorf("erase a study that is not there: %v", err)
	}
	for range 2 {
		v.gone(a)
		v.gone(b)
		v.check(keep)
		v.walked("", keep)
		v.reopen()
	}
	again := v.put(study, random(77)) // the study comes back under a new key
	v.check(again)
	v.reopen()
	v.walked("", keep, again)
	v.gone(a)
}

func testAbort(t *testing.T, v *vaultTest) {
	for _, n := range []int{0, 1000, 4 << 20} {
		w, err := v.Create(v.ctx, dicom.NewUID())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(random(n)); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		w.Abort()
		if _, err := w.Write([]byte("x")); err == nil {
			t.Error("write after abort")
		}
		if _, _, err := w.Commit(v.ctx, archive.Meta{}); err == nil {
			t.Error("commit after abort")
		}
	}
	v.walked("")
}

func testRefuse(t *testing.T, v *vaultTest) {
	for _, uid := range []dicom.UID{"", "../1", "1.2.3 ", dicom.UID(make([]byte, 65))} {
		if _, err := v.Create(v.ctx, uid); err == nil {
			t.Errorf("created for study %q", uid)
		}
	}
	study := dicom.NewUID()
	for name, spoil := range map[string]func(*archive.Meta){
		"length": func(m *archive.Meta) { m.Length++ },
		"study":  func(m *archive.Meta) { m.Study = dicom.NewUID() },
	} {
		w, err := v.Create(v.ctx, study)
		if err != nil {
			t.Fatal(err)
		}
		m := NewMeta(study, nil)
		spoil(&m)
		if _, _, err := w.Commit(v.ctx, m); err == nil {
			t.Errorf("committed with a wrong %s", name)
		}
	}
	v.walked("")
}

func testConcurrent(t *testing.T, v *vaultTest) {
	studies := []dicom.UID{dicom.NewUID(), dicom.NewUID(), dicom.NewUID()}
	var wg sync.WaitGroup
	var mu sync.Mutex
	all := map[archive.Location]stored{}
	for g := range 8 {
		wg.Go(func() {
			for i := range 12 {
				size := 1 + (g*7919+i*104729)%150_000
				if i == 5 {
					size = 2 << 20
				}
				s, err := put(v.ctx, v.Vault, studies[(g+i)%len(studies)], random(size))
				if err == nil {
					err = check(v.ctx, v.Vault, s)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				all[s.location] = s
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	v.reopen()
	n := 0
	if _, err := v.Walk(v.ctx, "", func(l archive.Location, _ archive.Meta) error {
		s, ok := all[l]
		if !ok {
			return fmt.Errorf("%s was never answered", l)
		}
		n++
		return check(v.ctx, v.Vault, s)
	}); err != nil {
		t.Error(err)
	}
	if n != len(all) || n != 8*12 {
		t.Errorf("walk saw %d of %d objects", n, len(all))
	}
}

func testClosed(t *testing.T, v *vaultTest) {
	s := v.put(dicom.NewUID(), random(10))
	w, err := v.Create(v.ctx, s.meta.Study)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Commit(v.ctx, NewMeta(s.meta.Study, nil)); err == nil {
		t.Error("committed to a closed vault")
	}
	if _, err := v.Create(v.ctx, s.meta.Study); err == nil {
		t.Error("created in a closed vault")
	}
	if _, err := v.Open(v.ctx, s.location); err == nil {
		t.Error("opened in a closed vault")
	}
}
