package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	d := device("ct1", "CT1")
	d.Scope = policy.Scope{Modalities: []string{"CT"}, MaxAge: time.Hour}
	d.CharacterSet = []string{"ISO_IR 100"}
	d.PrivateSOPClasses = []dicom.UID{"1.2.3"}
	add(t, s, d, Credential{})
	ca := s.CAPEM()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, Options{})
	got, ok := again.Show("ct1")
	if !ok || got.Scope.Modalities[0] != "CT" || got.Scope.MaxAge != time.Hour || got.CharacterSet[0] != "ISO_IR 100" ||
		got.PrivateSOPClasses[0] != "1.2.3" || len(got.Certificates) != 1 || got.Created.IsZero() {
		t.Errorf("device %+v", got)
	}
	if !bytes.Equal(again.CAPEM(), ca) {
		t.Error("another CA")
	}
	published, err := os.ReadFile(filepath.Join(dir, CAFile))
	if err != nil || !bytes.Equal(published, ca) {
		t.Errorf("%s: %v", CAFile, err)
	}
}

// TestNothingInTheClear: no key, name or AE title lies readable on disk.
func TestNothingInTheClear(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if _, err := s.ServerTLS(); err != nil {
		t.Fatal(err)
	}
	add(t, s, device("canary-device", "CANARY"), Credential{})
	files, err := filepath.Glob(filepath.Join(dir, folder, "*"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("PRIVATE KEY")) || bytes.Contains(bytes.ToUpper(b), []byte("CANARY")) {
			t.Errorf("%s is readable", name)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
}

// TestTamperedFiles: an edited, swapped or missing file is an error at the
// start, and never a new beginning.
func TestTamperedFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	add(t, s, device("ct1", "CT1"), Credential{})
	s.Close()
	at := func(name string) string { return filepath.Join(dir, folder, name) }
	read := func(name string) []byte {
		b, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, name := range []string{registryFile, caFile} {
		good := read(name)
		flipped := bytes.Clone(good)
		flipped[len(flipped)/2] ^= 1
		other := read(map[string]string{registryFile: caFile, caFile: registryFile}[name])
		for what, b := range map[string][]byte{
			"flipped": flipped, "cut": good[:len(good)-10], "empty": {}, "swapped": other, "extended": append(bytes.Clone(good), 'x'),
			"spaced": append([]byte(sealedMagic+"\n"), good[len(sealedMagic):]...), "gone": nil,
		} {
			var err error
			if what == "gone" {
				err = os.Remove(at(name))
			} else {
				err = os.WriteFile(at(name), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(dir, testBox(t, 1), Options{})
			if err == nil || what != "gone" && !errors.Is(err, ErrTampered) {
				t.Errorf("%s %s: %v", name, what, err)
			}
			if err := os.WriteFile(at(name), good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := Open(dir, testBox(t, 2), Options{}); !errors.Is(err, ErrTampered) {
		t.Errorf("another key: %v", err)
	}
	open(t, dir, Options{})
}

// await waits for a change of the registry, at most a second. Without a channel
// it looks again and again.
func await(t *testing.T, s *Store, changed <-chan struct{}, what string, ok func() bool) {
	t.Helper()
	end := time.After(time.Second)
	look := new(time.Ticker)
	if changed == nil {
		look = time.NewTicker(5 * time.Millisecond)
		defer look.Stop()
	}
	for !ok() {
		select {
		case <-changed:
			changed = s.Changed()
		case <-look.C:
		case <-end:
			t.Fatalf("%s: not within a second", what)
		}
	}
}

// TestHotReload: what another process changes is in force within a second, and
// an association that runs can be judged anew.
func TestHotReload(t *testing.T) {
	dir := t.TempDir()
	server := open(t, dir, Options{})
	config, err := server.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	admin := open(t, dir, Options{})
	changed := server.Changed()
	client := bundle(t, add(t, admin, device("ct1", "CT1"), Credential{}))
	await(t, server, changed, "add", func() bool { _, ok := server.Device("ct1"); return ok })
	cs, serverErr, _ := shake(t, config, client)
	if serverErr != nil {
		t.Fatal(serverErr)
	}
	changed = server.Changed()
	if err := admin.Revoke(context.Background(), "ct1"); err != nil {
		t.Fatal(err)
	}
	await(t, server, changed, "revoke", func() bool { _, err := server.Authenticate(cs); return err != nil })
	if _, err := server.Authenticate(cs); reasonOf(err) != Revoked {
		t.Errorf("after the revocation: %v", err)
	}
	if _, serverErr, _ := shake(t, config, client); reasonOf(serverErr) != Revoked {
		t.Errorf("a new handshake: %v", serverErr)
	}
}

// TestOldRegistry: putting an old registry back does not undo a revocation in a
// running server, and damage leaves the last state in force.
func TestOldRegistry(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{Poll: 10 * time.Millisecond})
	e := add(t, s, device("ct1", "CT1"), Credential{})
	name := filepath.Join(dir, folder, registryFile)
	old, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(context.Background(), "ct1"); err != nil {
		t.Fatal(err)
	}
	revoked, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{"old": old, "damaged": []byte("x")} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		await(t, s, nil, what, func() bool { return s.Err() != nil })
		if c := s.snapshot().byCert[e.Certificate.Fingerprint]; c.cert.Revoked.IsZero() {
			t.Errorf("%s: the revocation is undone", what)
		}
		if err := s.SetRights(context.Background(), "ct1", nil); err == nil {
			t.Errorf("%s: a change was built on it", what)
		}
		if err := os.WriteFile(name, revoked, 0o600); err != nil {
			t.Fatal(err)
		}
		await(t, s, nil, "restored", func() bool { return s.Err() == nil })
	}
}

const envDir = "TRESOR_TEST_IDENTITY"

// TestMain makes the test binary a process that adds devices, if told so.
func TestMain(m *testing.M) {
	dir := os.Getenv(envDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := adder(dir, os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func adder(dir, prefix string) error {
	s, err := Open(dir, testBox(new(testing.T), 1), Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range 10 {
		aet := dicom.AETitle(fmt.Sprintf("%s%d", strings.ToUpper(prefix), i))
		if _, err := s.Add(context.Background(), device(fmt.Sprintf("%s%d", prefix, i), aet), Credential{}); err != nil {
			return err
		}
	}
	return nil
}

// TestProcesses: several processes begin the same folder and add devices; none
// is lost.
func TestProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	var cmds []*exec.Cmd
	for _, prefix := range []string{"a", "b", "c"} {
		cmd := exec.Command(os.Args[0], "-test.run=^$", prefix)
		cmd.Env = append(os.Environ(), envDir+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, Options{})
	if n := len(s.List()); n != 30 {
		t.Errorf("%d devices", n)
	}
	for _, d := range s.List() {
		cert := d.Certificates[0]
		if cert.DaysLeft(time.Now()) < 364 {
			t.Errorf("%s: %d days left", d.Name, cert.DaysLeft(time.Now()))
		}
	}
}
