package checkpoint

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// keeper is a witness as c2sp.org/tlog-witness describes it.
type keeper struct {
	mu     sync.Mutex
	public string // of the log
	key    ed25519.PrivateKey
	kept   Checkpoint
	spoil  func([]byte) []byte
	asked  int
}

func (k *keeper) vkey() string {
	typed := append([]byte{algCosignature}, k.key.Public().(ed25519.PublicKey)...)
	return fmt.Sprintf("witness.example/w1+%08x+%s", keyHash("witness.example/w1", typed), base64.StdEncoding.EncodeToString(typed))
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if r.Method != http.MethodPost || r.URL.Path != "/here/add-checkpoint" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var old uint64
	var proof tlog.TreeProof
	in := bufio.NewReader(r.Body)
	if _, err := fmt.Fscanf(in, "old %d\n", &old); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == "\n" {
			break
		}
		h, err := tlog.ParseHash(strings.TrimSuffix(line, "\n"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		proof = append(proof, h)
	}
	var signed bytes.Buffer
	in.WriteTo(&signed)
	c, err := Open(signed.Bytes(), k.public)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusForbidden)
		return
	case old > c.Size:
		w.WriteHeader(http.StatusBadRequest)
		return
	case old != k.kept.Size || old == c.Size && old > 0 && c.Root != k.kept.Root:
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintf(w, "%d\n", k.kept.Size)
		return
	case old > 0 && old < c.Size && tlog.CheckTree(proof, int64(c.Size), c.Root, int64(old), k.kept.Root) != nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	k.kept = c
	seconds := binary.BigEndian.AppendUint64(nil, 1_700_000_000)
	sig := append(seconds, ed25519.Sign(k.key, cosigned(seconds, []byte(c.text())))...)
	if k.spoil != nil {
		sig = k.spoil(sig)
	}
	v, _ := newCosigner(k.vkey())
	fmt.Fprintf(w, "\u2014 %s %s\n", v.name, base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, v.hash), sig...)))
}

func startKeeper(t *testing.T, l *Log) (*keeper, *Witness) {
	t.Helper()
	k := &keeper{public: l.Public(), key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))}
	s := httptest.NewTLSServer(k)
	t.Cleanup(s.Close)
	return k, newWitness(t, s, k)
}

func newWitness(t *testing.T, s *httptest.Server, k *keeper) *Witness {
	t.Helper()
	w, err := NewWitness(s.URL+"/here/", k.vkey(), s.Client())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWitnessSignsWhatContinues(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 3, "a")
	l := newLog(t, dir)
	k, w := startKeeper(t, l)
	for round, n := range []int{0, 1, 5, 40, 0} {
		appendN(t, dir, n, "b")
		update(t, l)
		if round == 3 {
			w.kept = 0 // as after a restart: the witness tells what it has
		}
		if err := l.Submit(t.Context(), w); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		signed, err := l.Latest()
		if err != nil {
			t.Fatal(err)
		}
		own, err := note.NewVerifier(l.Public())
		if err != nil {
			t.Fatal(err)
		}
		both, err := note.Open(signed, note.VerifierList(w.cosign, own))
		if err != nil || len(both.Sigs) != 2 {
			t.Fatalf("round %d: %v\n%s", round, err, signed)
		}
	}
	if k.kept.Size != 49 || k.asked != 5 { // four rounds with something new, and one conflict
		t.Errorf("the witness has %d records after %d requests", k.kept.Size, k.asked)
	}
}

func TestWitnessRefusesAnotherHistory(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 5, "a")
	early := copyOf(t, dir)
	appendN(t, dir, 5, "b")
	l := newLog(t, dir)
	_, w := startKeeper(t, l)
	update(t, l)
	if err := l.Submit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	l.Close()
	restore(t, early, dir)
	appendN(t, dir, 9, "fork")
	l = newLog(t, dir)
	update(t, l)
	if err := l.Submit(t.Context(), w); !errors.Is(err, ErrInconsistent) {
		t.Errorf("a fork: %v", err)
	}
	restore(t, early, dir)
	l = newLog(t, dir)
	update(t, l)
	if err := l.Submit(t.Context(), w); !errors.Is(err, ErrInconsistent) && (err == nil || !strings.Contains(err.Error(), "400")) {
		t.Errorf("rolled back: %v", err)
	}
	w.kept = 0
	if err := l.Submit(t.Context(), w); !errors.Is(err, ErrInconsistent) {
		t.Errorf("rolled back, after a restart: %v", err)
	}
}

func TestBadWitnesses(t *testing.T) {
	dir := t.TempDir()
	appendN(t, dir, 5, "a")
	l := newLog(t, dir)
	before, _ := update(t, l)
	k, w := startKeeper(t, l)
	for name, spoil := range map[string]func([]byte) []byte{
		"another time":    func(s []byte) []byte { s[7]++; return s },
		"short":           func(s []byte) []byte { return s[:40] },
		"empty":           func([]byte) []byte { return nil },
		"another's words": func(s []byte) []byte { s[20] ^= 1; return s },
	} {
		k.spoil, k.kept, w.kept = spoil, Checkpoint{}, 0
		if err := l.Submit(t.Context(), w); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if now, err := os.ReadFile(filepath.Join(dir, treeDir, checkpointName)); err != nil || !bytes.Equal(now, before) {
		t.Errorf("the checkpoint was changed: %v\n%s", err, now)
	}
	for _, x := range []struct{ url, key string }{
		{"http://witness.example", k.vkey()}, {"https://", k.vkey()}, {"https://witness.example", "w1+00000000+AA=="},
		{"https://witness.example", l.Public()}, {"https://witness.example", strings.Replace(k.vkey(), "/w1", "/w2", 1)}, {"https://witness.example", ""},
	} {
		if _, err := NewWitness(x.url, x.key, http.DefaultClient); err == nil {
			t.Errorf("%+v is a witness", x)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Submit(ctx, w); err == nil {
		t.Error("submitted after the end")
	}
}
