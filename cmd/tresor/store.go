package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

type storeCommand struct {
	peer
	Files []string `arg:"" name:"FILE" help:"DICOM files, and folders with such." type:"path"`
}

// outgoing is one file to be sent.
type outgoing struct {
	path            string
	class, instance dicom.UID
	syntax          dicom.UID
	offset          int64 // of the data set
	err             error // why it cannot be sent
}

// storeResult is the line that --json prints for a file.
type storeResult struct {
	File     string    `json:"file"`
	Instance dicom.UID `json:"instance,omitempty"`
	Status   string    `json:"status,omitempty"` // of the C-STORE response; empty if none came
	Comment  string    `json:"comment,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// Run sends every file in the transfer syntax that it is in. It fails if any
// file was refused.
func (c *storeCommand) Run(ctx context.Context, g *globals, o out) error {
	files, err := gather(c.Files)
	if err != nil {
		return err
	}
	s := &sender{command: c, globals: g, out: o, bar: newBar(g, o, len(files), "files")}
	defer s.close(ctx)
	for rest := files; len(rest) > 0; {
		batch := associationFull(rest)
		if err := s.send(ctx, rest[:batch]); err != nil {
			return err
		}
		rest = rest[batch:]
	}
	s.bar.finish()
	if !g.JSON {
		fmt.Fprintf(o, "%d of %d files stored\n", len(files)-s.refused, len(files))
	}
	if s.refused > 0 {
		return errReported
	}
	return nil
}

// gather lists the files, and looks into each for what has to be negotiated.
// Within folders, what is no DICOM file is passed over.
func gather(paths []string) ([]outgoing, error) {
	var files []outgoing
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("find the files: %w", err)
		}
		if !info.IsDir() {
			files = append(files, inspect(path))
			continue
		}
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if f := inspect(p); f.err == nil {
					files = append(files, f)
				}
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find the files: %w", err)
		}
	}
	return files, nil
}

func inspect(path string) outgoing {
	f := outgoing{path: path}
	file, err := os.Open(path)
	if err != nil {
		f.err = err
		return f
	}
	defer file.Close()
	r := bufio.NewReader(file)
	meta, ts, err := encoding.ReadMeta(r)
	if err != nil && !errors.Is(err, encoding.ErrTransferSyntax) { // unknown ones are the peer's to refuse
		f.err = err
		return f
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		f.err = err
		return f
	}
	f.offset = at - int64(r.Buffered())
	f.class, f.instance = meta.UID(dict.MediaStorageSOPClassUID), meta.UID(dict.MediaStorageSOPInstanceUID)
	f.syntax = meta.UID(dict.TransferSyntaxUID)
	f.believe(r, ts)
	if f.class == "" || f.instance == "" || f.syntax == "" {
		f.err = errors.New("neither File Meta Information nor data set tell SOP class, SOP instance and transfer syntax")
	}
	return f
}

// believe takes SOP class and instance from the data set where it has them: the
// File Meta Information of files that were edited or made anonymous is often
// that of the original, and what is announced must be what is sent.
func (f *outgoing) believe(r io.Reader, ts encoding.TransferSyntax) {
	var ds dicom.DataSet
	o := encoding.Options{Limits: encoding.DefaultLimits(), KeepUpTo: 1 << 10, BulkPixelData: true}
	if _, err := encoding.NewDecoder(r, ts, o).ReadUntil(&ds, dict.SOPInstanceUID+1); err != nil {
		return // whoever gets it will say what is wrong with it
	}
	f.class, f.instance = cmp.Or(ds.UID(dict.SOPClassUID), f.class), cmp.Or(ds.UID(dict.SOPInstanceUID), f.instance)
}

type contextKey struct{ class, syntax dicom.UID }

// associationFull returns how many of the files fit into the presentation
// contexts of one association.
func associationFull(files []outgoing) int {
	have := map[contextKey]bool{}
	for i, f := range files {
		if f.err == nil {
			have[contextKey{f.class, f.syntax}] = true
		}
		if len(have) > ul.MaxContexts {
			return i
		}
	}
	return len(files)
}

type sender struct {
	command *storeCommand
	globals *globals
	out     out
	bar     *bar
	client  *dimse.Client
	refused int
}

func (s *sender) close(ctx context.Context) {
	if s.client != nil {
		s.client.Close(context.WithoutCancel(ctx))
		s.client = nil
	}
}

// send sends files over one association.
func (s *sender) send(ctx context.Context, files []outgoing) error {
	s.close(ctx)
	have := map[contextKey]bool{}
	var contexts []ul.ProposedContext
	for _, f := range files {
		if k := (contextKey{f.class, f.syntax}); f.err == nil && !have[k] {
			have[k] = true
			contexts = append(contexts, ul.ProposedContext{AbstractSyntax: f.class, TransferSyntaxes: []dicom.UID{f.syntax}})
		}
	}
	if len(contexts) > 0 {
		client, err := s.command.connect(ctx, contexts)
		if err != nil {
			return err
		}
		s.client = client
	}
	for i := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		result, lost := s.sendOne(ctx, &files[i])
		if err := s.report(result); err != nil {
			return err
		}
		if lost != nil {
			return fmt.Errorf("store: %w", lost)
		}
	}
	return nil
}

// sendOne sends one file; lost is set when the association is gone.
func (s *sender) sendOne(ctx context.Context, f *outgoing) (result storeResult, lost error) {
	result = storeResult{File: f.path, Instance: f.instance}
	if f.err != nil {
		result.Error = f.err.Error()
		return result, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		result.Error = err.Error()
		return result, nil
	}
	defer file.Close()
	if _, err := file.Seek(f.offset, io.SeekStart); err != nil {
		result.Error = err.Error()
		return result, nil
	}
	r, err := s.client.Store(ctx, dimse.StoreRequest{SOPClass: f.class, SOPInstance: f.instance, TransferSyntax: f.syntax, DataSet: file})
	switch {
	case errors.Is(err, dimse.ErrNoContext):
		result.Status = hex(dimse.StatusSOPClassNotSupported)
		result.Error = "the peer does not take this SOP class in this transfer syntax"
	case err != nil:
		result.Error = err.Error()
		return result, err
	default:
		result.Status, result.Comment = hex(r.Status), r.ErrorComment
		if r.Status.IsFailure() {
			result.Error = r.Status.Error()
		}
	}
	return result, nil
}

func (s *sender) report(r storeResult) error {
	if r.Error != "" {
		s.refused++
	}
	s.bar.add(1)
	if s.globals.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	if r.Error != "" {
		s.bar.clear()
		_, err := fmt.Fprintf(s.out.Err, "%s: not stored: %s %s\n", r.File, visible(r.Error), visible(r.Comment))
		return err
	}
	return nil
}
