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
	"github.com/tresor-pacs/tresor/dicom/pixel"
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
	Syntax   dicom.UID `json:"syntax,omitempty"` // in which it was sent, if that is not the file's
	Status   string    `json:"status,omitempty"` // of the C-STORE response; empty if none came
	Comment  string    `json:"comment,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// Run sends every file in the transfer syntax that it is in or, to a peer that
// does not take that, in one that loses nothing. It fails if any file was refused.
func (c *storeCommand) Run(ctx context.Context, g *globals, o out) error {
	files, err := gather(c.Files)
	if err != nil {
		return err
	}
	s := &sender{command: c, globals: g, out: o, bar: newBar(g, o, len(files), "files")}
	defer s.close(ctx)
	for rest := files; len(rest) > 0; {
		contexts, n := storageContexts(rest)
		if err := s.send(ctx, contexts, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
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

// storageContexts returns the presentation contexts in which the files can be
// sent, and for how many of them one association has room: the transfer syntax
// that a file is in, and those into which it can be brought.
func storageContexts(files []outgoing) (contexts []ul.ProposedContext, n int) {
	have := map[string]bool{}
	for i, f := range files {
		if f.err != nil {
			continue
		}
		var more []ul.ProposedContext
		for _, syntaxes := range pixel.ProposedTargets(f.syntax, "") {
			c := ul.ProposedContext{AbstractSyntax: f.class, TransferSyntaxes: syntaxes}
			if !have[fmt.Sprint(c)] {
				more = append(more, c)
			}
		}
		if len(contexts)+len(more) > ul.MaxContexts {
			return contexts, i
		}
		for _, c := range more {
			have[fmt.Sprint(c)] = true
		}
		contexts = append(contexts, more...)
	}
	return contexts, len(files)
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
func (s *sender) send(ctx context.Context, contexts []ul.ProposedContext, files []outgoing) error {
	s.close(ctx)
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
	r, err := s.sendFile(ctx, f, file, &result)
	switch {
	case errors.Is(err, dimse.ErrNoContext):
		result.Status = hex(dimse.StatusSOPClassNotSupported)
		result.Error = "the peer takes this SOP class in no transfer syntax that the file can be brought into without loss"
	case errors.Is(err, errUnconverted):
		result.Error = err.Error()
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

// errUnconverted says that nothing was sent.
var errUnconverted = errors.New("the peer does not take the file as it is, and it cannot be converted")

// sendFile sends the file as it is if the peer takes it so, else in the best of
// the transfer syntaxes that it takes.
func (s *sender) sendFile(ctx context.Context, f *outgoing, file *os.File, result *storeResult) (*dimse.Result, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	body := io.NewSectionReader(file, f.offset, info.Size()-f.offset)
	request := dimse.StoreRequest{SOPClass: f.class, SOPInstance: f.instance, TransferSyntax: f.syntax, DataSet: body}
	var taken []dicom.UID
	for _, c := range s.client.Association().Contexts() {
		if c.AbstractSyntax == f.class {
			taken = append(taken, c.TransferSyntax)
		}
	}
	for _, u := range pixel.TakenTargets(f.syntax, taken, "") {
		if u == f.syntax {
			return s.client.Store(ctx, request)
		}
		t, err := pixel.NewTranscoder(ctx, body, body.Size(), f.syntax, u, pixel.TranscodeOptions{})
		if errors.Is(err, pixel.ErrUnsupported) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnconverted, err)
		}
		result.Syntax = u
		request.TransferSyntax = u
		return s.sendTranscoded(ctx, request, t)
	}
	return nil, dimse.ErrNoContext
}

func (s *sender) sendTranscoded(ctx context.Context, request dimse.StoreRequest, t *pixel.Transcoder) (*dimse.Result, error) {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pw.CloseWithError(t.WriteTo(ctx, pw))
	}()
	request.DataSet = pr
	r, err := s.client.Store(ctx, request)
	pr.Close()
	<-done
	return r, err
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
