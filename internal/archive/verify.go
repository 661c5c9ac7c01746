package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Difference is one thing that Verify found wrong.
type Difference struct {
	Instance dicom.UID `json:"instance,omitempty"`
	Location Location  `json:"location,omitempty"`
	What     string    `json:"what"`
}

// Verification sums a Verify up.
type Verification struct {
	Objects     int   // read back from the vault
	Bytes       int64 // of data sets, as received
	Instances   int   // in the catalog
	Differences int
}

// Verify reads every object of the vault back, compares it with the hash taken
// when it came in, and compares vault and catalog both ways. Each difference
// goes to report; progress, if not nil, is called after each object. The
// stores may be in use meanwhile: what was taken in after Verify began is not
// looked at.
func Verify(ctx context.Context, c Config, report func(Difference), progress func(Verification)) (Verification, error) {
	v := verifier{archive: newArchive(c), report: report, progress: progress,
		seen: map[Location]struct{}{}, began: time.Now()}
	if err := v.catalogue(ctx); err != nil {
		return v.sum, fmt.Errorf("read the catalog: %w", err)
	}
	_, err := v.archive.vault.Walk(ctx, "", func(l Location, m Meta) error { return v.object(ctx, l, &m) })
	var damage *DamageError
	if errors.As(err, &damage) {
		for i, l := range damage.At {
			v.differ(Difference{Location: l, What: "damaged: " + damage.Errs[i].Error()})
		}
	} else if err != nil {
		return v.sum, fmt.Errorf("read the vault: %w", err)
	}
	return v.sum, nil
}

type verifier struct {
	archive  *Archive
	report   func(Difference)
	progress func(Verification)
	sum      Verification
	seen     map[Location]struct{} // what the catalog lists
	began    time.Time
}

func (v *verifier) differ(d Difference) {
	v.sum.Differences++
	v.report(d)
}

// catalogue looks for every instance of the catalog in the vault, study by study.
func (v *verifier) catalogue(ctx context.Context) error {
	all := Query{Level: LevelStudy, Keys: new(dicom.DataSet)}
	all.Keys.Put(dicom.Element{Tag: dict.StudyInstanceUID, VR: dicom.VRUI})
	for found, err := range v.archive.catalog.Find(ctx, policy.Scope{}, all) {
		if err != nil {
			return err
		}
		if err := v.study(ctx, found.UID(dict.StudyInstanceUID)); err != nil {
			return err
		}
	}
	for q, err := range v.archive.catalog.Quarantine(ctx, "") {
		if err != nil {
			return err
		}
		if err := v.listed(ctx, q.Instance, q.Location); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) study(ctx context.Context, uid dicom.UID) error {
	q := Query{Level: LevelStudy, Keys: new(dicom.DataSet)}
	q.Keys.PutUID(dict.StudyInstanceUID, uid)
	for e, err := range v.archive.catalog.Instances(ctx, policy.Scope{}, q) {
		if err != nil {
			return err
		}
		v.sum.Instances++
		if err := v.listed(ctx, e.Instance, e.Location); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) listed(ctx context.Context, uid dicom.UID, l Location) error {
	v.seen[l] = struct{}{}
	o, err := v.archive.vault.Open(ctx, l)
	switch {
	case errors.Is(err, ErrNotFound):
		v.differ(Difference{uid, l, "in the catalog, not in the vault"})
	case err != nil:
		v.differ(Difference{uid, l, "cannot be opened: " + err.Error()})
	default:
		return o.Close()
	}
	return ctx.Err()
}

// object reads one object of the vault back and looks for it in the catalog.
func (v *verifier) object(ctx context.Context, l Location, m *Meta) error {
	v.sum.Objects++
	v.sum.Bytes += m.Length
	e := Entry{Location: l, Length: m.Length, SHA256: m.SHA256}
	if err := v.archive.reread(ctx, &e); err != nil {
		v.differ(Difference{m.Instance, l, err.Error()})
	}
	if _, ok := v.seen[l]; !ok && m.Received.Before(v.began) {
		v.differ(Difference{m.Instance, l, "in the vault, not in the catalog"})
	}
	if v.progress != nil {
		v.progress(v.sum)
	}
	return ctx.Err()
}
