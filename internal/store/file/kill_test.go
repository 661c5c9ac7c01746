package file

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

const victimDir = "TRESOR_TEST_VICTIM_DIR"

// TestVictim is no test but the process that TestKill kills: it stores objects
// and prints each location with the hash when it is acknowledged.
func TestVictim(t *testing.T) {
	dir := os.Getenv(victimDir)
	if dir == "" {
		t.Skip("only TestKill runs this")
	}
	v, err := opener(t, dir, Options{PackSize: 4 << 20, Log: quiet})()
	if err != nil {
		t.Fatal(err)
	}
	study := dicom.NewUID()
	for range 3 {
		go func() {
			for {
				data := make([]byte, rand.IntN(60_000))
				if rand.IntN(20) == 0 {
					data = make([]byte, 2<<20)
				}
				data = append(data, dicom.NewUID()...)
				m := storetest.NewMeta(study, data)
				l, err := store(v.(*Vault), study, data, m)
				if err != nil {
					panic(err)
				}
				fmt.Printf("%s %x\n", l, m.SHA256) // one write, so lines stay whole
			}
		}()
	}
	time.Sleep(time.Minute) // the parent has killed us long before
}

// TestKill kills a process that stores, again and again, at random moments:
// what it acknowledged is there, and nothing is there in half.
func TestKill(t *testing.T) {
	if os.Getenv(victimDir) != "" {
		t.Skip("this is the victim")
	}
	dir, acknowledged := t.TempDir(), map[archive.Location]string{}
	kills := map[bool]int{true: 4, false: 30}[testing.Short()]
	for round := range kills {
		for l, sum := range victim(t, dir) {
			acknowledged[l] = sum
		}
		v, err := opener(t, dir, Options{PackSize: 4 << 20, Log: quiet})()
		if err != nil {
			t.Fatal(err)
		}
		inspectKilled(t, v.(*Vault), acknowledged, round == kills-1)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was stored before the kills")
	}
}

// victim runs the process, kills it, and returns what it acknowledged.
func victim(t *testing.T, dir string) map[archive.Location]string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestVictim$", "-test.v")
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got := map[archive.Location]string{}
	for s := bufio.NewScanner(out); s.Scan(); {
		var l, sum string
		if n, _ := fmt.Sscanf(s.Text(), "%s %64s", &l, &sum); n != 2 || len(sum) != 64 || !validLocation(l) {
			continue
		}
		if len(got) == 0 {
			time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		got[archive.Location(l)] = sum
	}
	_ = cmd.Wait() // it was killed
	return got
}

func validLocation(l string) bool { _, ok := parsePlace(l); return ok }

func inspectKilled(t *testing.T, v *Vault, acknowledged map[archive.Location]string, all bool) {
	t.Helper()
	ctx, seen := context.Background(), 0
	_, err := v.Walk(ctx, "", func(l archive.Location, m archive.Meta) error {
		sum, ok := acknowledged[l]
		if ok {
			seen++
		}
		if ok && fmt.Sprintf("%x", m.SHA256) != sum {
			return errors.New("another object is in its place")
		}
		if all {
			return v.Check(ctx, l)
		}
		return nil
	})
	if err != nil || seen != len(acknowledged) {
		t.Fatalf("%d of %d acknowledged objects are there, %v", seen, len(acknowledged), err)
	}
	in, err := v.Inspect(ctx)
	if err != nil || len(in.Missing) > 0 || len(in.Damage.At) > 0 {
		t.Fatalf("%+v, %v", in, err)
	}
}

// TestHashIsChecked commits an object whose metadata tell another hash.
func TestHashIsChecked(t *testing.T) {
	d := newOnDisk(t, Options{})
	data := bytes.Repeat([]byte("x"), 100)
	m := storetest.NewMeta("1.2", data)
	m.SHA256 = sha256.Sum256(nil)
	l, err := store(d.Vault, "1.2", data, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(context.Background(), l); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
}
