package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/checkpoint"
	"github.com/tresor-pacs/tresor/internal/audit/message"
	"github.com/tresor-pacs/tresor/internal/fhir"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/seal"
)

// Against is what a trail is compared with: a checkpoint that was kept
// elsewhere, and the verifier key that signed it.
type Against struct {
	Checkpoint []byte // nil: the latest one that lies beside the trail, if any
	Key        string // "": the archive's own
}

// VerifyTrail checks the whole trail of a data folder: its chain, its records,
// its head, and that it is the one that a checkpoint covers.
func VerifyTrail(ctx context.Context, dir string, against Against) (*audit.Report, error) {
	ring, err := openKeyring(dir, true)
	if err != nil {
		return nil, err
	}
	box, err := ring.Box(trailKey)
	if err != nil {
		return nil, fmt.Errorf("open the trail's key: %w", err)
	}
	trail := filepath.Join(dir, trailDir)
	// The checkpoint first: what is appended meanwhile lies behind it.
	kept := against.Checkpoint
	if kept == nil {
		kept, err = checkpoint.Latest(trail)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	report, err := audit.Verify(ctx, trail, box)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) || kept == nil {
			return nil, err
		}
		report = &audit.Report{}
	}
	if kept == nil {
		return report, nil
	}
	if against.Key == "" {
		seed, err := ring.Key(checkpointKey)
		if err != nil {
			return nil, fmt.Errorf("open the key of checkpoints: %w; give the verifier key that was kept with the checkpoint", err)
		}
		id, err := checkpoint.TrailOf(kept)
		if err != nil {
			return nil, err
		}
		key, err := checkpoint.NewKey(id, seed)
		if err != nil {
			return nil, err
		}
		against.Key = key.Public()
	}
	c, found, err := checkpoint.Verify(ctx, trail, kept, against.Key)
	if err != nil {
		return nil, err
	}
	report.Findings = append(report.Findings, found...)
	report.Checkpoint = c.Size
	return report, nil
}

// Checkpoint returns the latest checkpoint of a data folder's trail, signed, and
// the verifier key. With fresh it signs one of all that there is first, beside a
// running server or without one.
func Checkpoint(ctx context.Context, dir string, fresh bool) (signed []byte, key string, err error) {
	ring, err := openKeyring(dir, !fresh)
	if err != nil {
		return nil, "", err
	}
	if fresh {
		if err := followTrail(dir, ring); err != nil {
			return nil, "", err
		}
	}
	tree, err := trailTree(dir, ring)
	if err != nil {
		return nil, "", err
	}
	defer tree.Close()
	if fresh {
		signed, err = tree.Update(ctx)
	} else {
		signed, err = tree.Latest()
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("no checkpoint was signed yet: give --now")
	}
	return signed, tree.Public(), err
}

// followTrail opens the trail and closes it, which moves the head over records
// that it was behind of after a loss of power: a checkpoint may cover them already.
func followTrail(dir string, ring *seal.Keyring) error {
	box, err := ring.Box(trailKey)
	if err != nil {
		return fmt.Errorf("open the trail's key: %w", err)
	}
	t, err := audit.Open(filepath.Join(dir, trailDir), box, audit.Options{})
	if err != nil {
		return err
	}
	return t.Close()
}

// AcceptTrail has a trail that was damaged go on: what is missing stays missing,
// VerifyTrail goes on naming it, and a record says when it was accepted. A tree
// that is not the trail's any more is put aside and begun anew: checkpoints from
// before no longer hold.
func AcceptTrail(ctx context.Context, dir string) error {
	ring, err := openKeyring(dir, false)
	if err != nil {
		return err
	}
	box, err := ring.Box(trailKey)
	if err != nil {
		return fmt.Errorf("open the trail's key: %w", err)
	}
	t, err := audit.Open(filepath.Join(dir, trailDir), box, audit.Options{Continue: true})
	if err != nil {
		return err
	}
	return errors.Join(acceptTree(ctx, dir, t), t.Close())
}

func acceptTree(ctx context.Context, dir string, t *audit.Trail) error {
	ring, err := openKeyring(dir, false)
	if err != nil {
		return err
	}
	tree, err := trailTree(dir, ring)
	if err != nil {
		return err
	}
	defer tree.Close()
	_, err = tree.Update(ctx)
	var damage *audit.DamageError
	if !errors.As(err, &damage) {
		return err
	}
	e := audit.Event{Code: audit.TrailDamaged, Outcome: audit.MajorFailure, Reason: "the tree was begun anew: " + damage.Problem,
		PrincipalKind: string(policy.System), Principal: "command line"}
	if _, err := t.Append(ctx, e); err != nil {
		return err
	}
	return tree.Restart(ctx)
}

// SearchTrail yields the records of a data folder's trail that match. That the
// trail was read is itself recorded in it.
func SearchTrail(ctx context.Context, dir string, f audit.Filter) iter.Seq2[audit.Record, error] {
	return readTrail(ctx, dir, f, f.Event())
}

// readTrail writes e, which says why the trail is read, and then reads it.
func readTrail(ctx context.Context, dir string, f audit.Filter, e audit.Event) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		a, err := OpenAdmin(dir, DefaultConfig())
		if err != nil {
			yield(audit.Record{}, err)
			return
		}
		defer a.Close()
		if err := a.Note(ctx, e); err != nil {
			yield(audit.Record{}, err)
			return
		}
		box, err := a.keyring.Box(trailKey)
		if err != nil {
			yield(audit.Record{}, err)
			return
		}
		for r, err := range audit.Search(ctx, filepath.Join(dir, trailDir), box, f) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// TrailFormats are the formats of ExportTrail.
var TrailFormats = []string{"dicom", "json", "fhir"}

// ExportTrail writes the records that match to w, one a line: as audit messages
// of PS3.15 section A.5, as the trail's own JSON, or as AuditEvents of FHIR. It
// returns how many there were, and how many could not be read.
func ExportTrail(ctx context.Context, dir string, c Config, f audit.Filter, format string, w io.Writer) (n, damaged int, err error) {
	source := trailSource(dir, c)
	e := f.Event()
	e.Details = append(e.Details, audit.Detail{Name: "exported as", Value: format})
	for r, err := range readTrail(ctx, dir, f, e) {
		if err != nil && r.Line > 0 {
			damaged++
			continue
		}
		if err != nil {
			return n, damaged, err
		}
		b, err := exported(&source, &r, format)
		if err != nil {
			return n, damaged, err
		}
		if _, err := w.Write(append(b, '\n')); err != nil {
			return n, damaged, fmt.Errorf("write: %w", err)
		}
		n++
	}
	return n, damaged, nil
}

func exported(s *message.Source, r *audit.Record, format string) ([]byte, error) {
	switch format {
	case "dicom":
		m, err := message.New(s, r)
		if err != nil {
			return nil, err
		}
		return m.XML()
	case "fhir":
		e, err := fhir.New(s, r)
		if err != nil {
			return nil, err
		}
		return json.Marshal(e)
	case "json":
		return json.Marshal(r)
	}
	return nil, fmt.Errorf("%q is no format; the formats are %v", format, TrailFormats)
}
