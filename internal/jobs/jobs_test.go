package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tresor-pacs/tresor/internal/seal"
)

func open(t *testing.T, dir string) *Queue {
	t.Helper()
	ring, err := seal.OpenKeyring(dir+"/keys", seal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	box, err := ring.Box("jobs")
	if err != nil {
		t.Fatal(err)
	}
	q, err := Open(dir+"/jobs", box, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestJobIsTriedUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := open(t, t.TempDir())
		ctx, stop := context.WithCancel(t.Context())
		began, tries := time.Now(), 0
		go q.Run(ctx, map[string]Do{"k": func(_ context.Context, b json.RawMessage) error {
			if string(b) != `"hello"` {
				t.Errorf("payload %s", b)
			}
			if tries++; tries < 4 {
				return errors.New("not yet")
			}
			return nil
		}})
		if err := q.Add("k", "hello"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		synctest.Wait()
		if tries != 4 || time.Since(began) != time.Minute {
			t.Errorf("%d tries", tries)
		}
		if left, _ := q.waiting(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestJobSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Add("k", "secret-4711"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir + "/jobs")
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if b, _ := os.ReadFile(dir + "/jobs/" + files[0].Name()); strings.Contains(string(b), "4711") {
		t.Error("the payload stands in plain on disk")
	}
	q := open(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan string, 1)
	ended := make(chan error)
	go func() {
		ended <- q.Run(ctx, map[string]Do{"k": func(_ context.Context, b json.RawMessage) error { done <- string(b); return nil }})
	}()
	if got := <-done; got != `"secret-4711"` {
		t.Errorf("payload %s", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestJobIsGivenUpAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		q := open(t, dir)
		ctx, stop := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer stop()
		go q.Run(ctx, map[string]Do{"k": func(context.Context, json.RawMessage) error { return errors.New("never") }})
		if err := q.Add("k", 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(8 * 24 * time.Hour)
		synctest.Wait()
		if left, _ := q.waiting(); len(left) != 0 {
			t.Errorf("still waiting: %v", left)
		}
		if files, _ := os.ReadDir(dir + "/jobs"); len(files) != 1 || !strings.HasSuffix(files[0].Name(), failed) {
			t.Errorf("not set aside: %v", files)
		}
	})
}
