package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/inventory"
	"github.com/tresor-pacs/tresor/internal/survey/report"
)

// inventoryPath is where the results of all runs are kept.
func inventoryPath(g *globals) string { return filepath.Join(g.Dir, "survey", "inventory.db") }

// openInventory opens the inventory, or begins one.
func openInventory(g *globals) (*inventory.DB, error) {
	path := inventoryPath(g)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open the inventory: %w", err)
	}
	return inventory.Open(path)
}

// addStates takes state files into the inventory.
func addStates(db *inventory.DB, paths []string) (int, error) {
	all := 0
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return all, err
		}
		keeper := keeper{db: db}
		err = survey.ReadState(f, func(l survey.Line) error {
			if l.Done == nil {
				return nil
			}
			return keeper.keep(l.Done)
		})
		if err = errors.Join(err, keeper.flush(), f.Close()); err != nil {
			return all, fmt.Errorf("%s: %w", path, err)
		}
		all += keeper.added
	}
	return all, nil
}

// keeper takes results into the inventory, many at a time.
type keeper struct {
	db      *inventory.DB
	pending []*survey.Envelope
	added   int
}

const keepAtOnce = 256

func (k *keeper) keep(e *survey.Envelope) error {
	if k.pending = append(k.pending, e); len(k.pending) < keepAtOnce {
		return nil
	}
	return k.flush()
}

func (k *keeper) flush() error {
	n, err := k.db.Add(k.pending)
	k.added += n
	clear(k.pending)
	k.pending = k.pending[:0]
	return err
}

// history is what the inventory knows of the ports of a survey. Without an
// inventory it is nil.
func history(g *globals, s *report.Survey) (report.History, error) {
	if _, err := os.Stat(inventoryPath(g)); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	db, err := openInventory(g)
	if err != nil {
		return nil, err
	}
	h := report.History{}
	for _, e := range s.Systems {
		h[e.Place()] = nil
	}
	err = db.Looks(noHost, func(l inventory.Look) {
		if _, in := h[l.At]; in {
			h[l.At] = append(h[l.At], report.Sighting{Time: l.Time, State: l.State, Severity: l.Severity})
		}
	})
	return h, errors.Join(err, db.Close())
}
