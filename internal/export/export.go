package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Sum says what was written.
type Sum struct {
	Studies, Series, Instances int
	Bytes                      int64
}

// writer is an export under way.
type writer struct {
	dir       string
	retrieval *archive.Retrieval
	tree      tree
	page      page
	hashes    strings.Builder
	sum       Sum

	studies, series map[dicom.UID]int // numbers in names of files
	files           map[dicom.UID]int // in a series
}

// Write writes the instances of a retrieval into the folder dir, which it makes;
// it must be empty. Progress, if not nil, is called after each instance.
func Write(ctx context.Context, dir string, r *archive.Retrieval, progress func()) (Sum, error) {
	w := &writer{dir: dir, retrieval: r, studies: map[dicom.UID]int{}, series: map[dicom.UID]int{}, files: map[dicom.UID]int{}}
	if err := w.prepare(); err != nil {
		return w.sum, fmt.Errorf("export: %w", err)
	}
	for i := range r.Entries {
		if err := ctx.Err(); err != nil {
			return w.sum, err
		}
		if err := w.instance(ctx, &r.Entries[i]); err != nil {
			return w.sum, fmt.Errorf("export instance %s: %w", r.Entries[i].Instance, err)
		}
		if progress != nil {
			progress()
		}
	}
	if err := w.finish(); err != nil {
		return w.sum, fmt.Errorf("export: %w", err)
	}
	return w.sum, nil
}

// prepare makes the folder: nobody but its owner reads it.
func (w *writer) prepare() error {
	if len(w.retrieval.Entries) == 0 {
		return archive.ErrNotFound
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return err
	}
	there, err := os.ReadDir(w.dir)
	if err == nil && len(there) > 0 {
		err = errors.New("the folder is not empty")
	}
	return err
}

// number returns the number of an entity, from 1, in order of appearance.
func number(of map[dicom.UID]int, uid dicom.UID) int {
	if of[uid] == 0 {
		of[uid] = len(of) + 1
	}
	return of[uid]
}

// instance writes the file of one instance and enters it into DICOMDIR and page.
func (w *writer) instance(ctx context.Context, e *archive.Entry) error {
	o, err := w.retrieval.Open(ctx, e)
	if err != nil {
		return err
	}
	defer o.Close()
	w.files[e.Series]++
	// File IDs have up to eight components of eight characters (PS3.10 section 8.2).
	name := []string{"DICOM", fmt.Sprintf("ST%06d", number(w.studies, e.Study)), fmt.Sprintf("SE%06d", number(w.series, e.Series)),
		fmt.Sprintf("IM%06d", w.files[e.Series])}
	head, err := encoding.AppendMeta(nil, encoding.NewMeta(e.SOPClass, e.Instance, e.TransferSyntax))
	if err != nil {
		return err
	}
	body := io.NewSectionReader(o, 0, e.Length)
	check := sha256.New()
	if err := w.file(name, io.MultiReader(bytes.NewReader(head), io.TeeReader(body, check))); err != nil {
		return err
	}
	if [sha256.Size]byte(check.Sum(nil)) != e.SHA256 {
		return errors.New("the object is not what was received: run tresor verify")
	}
	header, err := encoding.ParseJSON(o.Meta().Summary, encoding.JSONOptions{})
	if err != nil {
		return err
	}
	if err := w.tree.add(header, name, e.SOPClass, e.Instance, e.TransferSyntax); err != nil {
		return err
	}
	w.sum.Instances++
	w.sum.Bytes += e.Length
	w.page.add(header, e, strings.Join(name, "/"), func() ([]byte, error) { return io.ReadAll(io.NewSectionReader(o, 0, e.Length)) })
	return nil
}

// file writes a file and its hash.
func (w *writer) file(name []string, r io.Reader) error {
	path := filepath.Join(append([]string{w.dir}, name...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(&w.hashes, "%s  %s\n", hex.EncodeToString(h.Sum(nil)), strings.Join(name, "/"))
	return nil
}

// finish writes DICOMDIR, page and hashes.
func (w *writer) finish() error {
	w.sum.Studies, w.sum.Series = len(w.studies), len(w.series)
	b, err := directory("TRESOR", w.tree.roots)
	if err != nil {
		return err
	}
	if err := w.file([]string{"DICOMDIR"}, bytes.NewReader(b)); err != nil {
		return err
	}
	html, err := w.page.render()
	if err != nil {
		return err
	}
	if err := w.file([]string{"INDEX.HTM"}, bytes.NewReader(html)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "SHA256SUMS"), []byte(w.hashes.String()), 0o600)
}

// nameOf returns a person's name as people write it.
func nameOf(ds *dicom.DataSet, tag dicom.Tag) string {
	alphabetic, _, _ := strings.Cut(ds.String(tag), "=")
	parts := strings.Split(alphabetic, "^")
	if len(parts) > 1 && parts[1] != "" {
		return strings.TrimSpace(parts[1] + " " + parts[0])
	}
	return parts[0]
}

// dateOf returns a date as 2026-03-01.
func dateOf(ds *dicom.DataSet, tag dicom.Tag) string {
	d, err := dicom.ParseDate(ds.String(tag))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}
