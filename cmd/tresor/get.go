package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// selection says what to retrieve.
type selection struct {
	Study    []string `help:"Study Instance UID." placeholder:"UID"`
	Series   []string `help:"Series Instance UID." placeholder:"UID"`
	Instance []string `help:"SOP Instance UID." placeholder:"UID"`
	Patient  string   `help:"Patient ID: all studies of a patient." placeholder:"ID"`
}

// identifier returns the level and the unique keys of the selection.
func (s *selection) identifier() (*dicom.DataSet, string, error) {
	ds := new(dicom.DataSet)
	level := ""
	for _, k := range []struct {
		tag    dicom.Tag
		vr     dicom.VR
		level  string
		values []string
	}{
		{dict.PatientID, dicom.VRLO, "PATIENT", one(s.Patient)}, {dict.StudyInstanceUID, dicom.VRUI, "STUDY", s.Study},
		{dict.SeriesInstanceUID, dicom.VRUI, "SERIES", s.Series}, {dict.SOPInstanceUID, dicom.VRUI, "IMAGE", s.Instance},
	} {
		if len(k.values) > 0 {
			ds.PutString(k.tag, k.vr, k.values...)
			level = k.level
		}
	}
	if level == "" {
		return nil, "", usageError{errors.New("say what to retrieve: --study, --series, --instance or --patient")}
	}
	ds.PutString(dict.QueryRetrieveLevel, dicom.VRCS, level)
	return ds, level, nil
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

type getCommand struct {
	peer
	selection
	Out    string   `help:"Folder to write to." default:"." type:"path" placeholder:"DIR"`
	Syntax []string `help:"Transfer syntaxes to take, best first; without it whatever is stored, as far as one association can say so." placeholder:"UID"`
}

// Run performs C-GET and writes each instance to a file of its own.
func (c *getCommand) Run(ctx context.Context, g *globals, o out) error {
	identifier, level, err := c.identifier()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	model := queryModel("", level, dict.UIDStudyRootQueryRetrieveInformationModelGet, dict.UIDPatientRootQueryRetrieveInformationModelGet)
	contexts, err := c.contexts(ctx, identifier, level, model)
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, contexts, receiverRoles(contexts[1:])...)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	r := &receiver{dir: c.Out, globals: g, out: o, bar: newBar(g, o, -1, "instances")}
	result, err := client.Get(ctx, dimse.QueryRequest{SOPClass: model, Identifier: identifier}, dimse.HandlerFunc(r.receive))
	r.bar.finish()
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	return retrieved(g, o, result, "fetched")
}

// contexts proposes the model, and storage contexts for what is asked for: we
// ask the archive which SOP classes these are, since there are more than fit
// into one association. An archive that does not say is offered the usual ones.
func (c *getCommand) contexts(ctx context.Context, identifier *dicom.DataSet, level string, model dicom.UID) ([]ul.ProposedContext, error) {
	classes, err := c.classes(ctx, identifier, level)
	if err != nil {
		return nil, err
	}
	contexts := []ul.ProposedContext{plain(model)}
	syntaxes := [][]dicom.UID{nativeSyntaxes}
	for _, u := range encapsulatedSyntaxes {
		syntaxes = append(syntaxes, []dicom.UID{u})
	}
	if len(c.Syntax) > 0 {
		syntaxes = nil
		for _, u := range c.Syntax {
			syntaxes = append(syntaxes, []dicom.UID{dicom.UID(u)})
		}
	}
	for _, s := range syntaxes {
		for _, class := range classes {
			if len(contexts) < ul.MaxContexts {
				contexts = append(contexts, ul.ProposedContext{AbstractSyntax: class, TransferSyntaxes: s})
			}
		}
	}
	return contexts, nil
}

// receiverRoles asks for the role of SCP in the contexts: the archive sends to us.
func receiverRoles(contexts []ul.ProposedContext) []ul.RoleSelection {
	var roles []ul.RoleSelection
	have := map[dicom.UID]bool{}
	for _, pc := range contexts {
		if !have[pc.AbstractSyntax] {
			have[pc.AbstractSyntax] = true
			roles = append(roles, ul.RoleSelection{SOPClass: pc.AbstractSyntax, SCP: true})
		}
	}
	return roles
}

var nativeSyntaxes = []dicom.UID{dict.UIDExplicitVRLittleEndian, dict.UIDImplicitVRLittleEndian}

// encapsulatedSyntaxes are proposed one a context, the most frequent first.
var encapsulatedSyntaxes = []dicom.UID{
	dict.UIDJPEG2000Lossless, dict.UIDJPEGLosslessSV1, dict.UIDJPEGBaseline8Bit, dict.UIDJPEGLSLossless, dict.UIDRLELossless,
	dict.UIDJPEG2000, dict.UIDJPEGLossless, dict.UIDJPEGExtended12Bit, dict.UIDJPEGLSNearLossless,
	dict.UIDDeflatedExplicitVRLittleEndian, dict.UIDExplicitVRBigEndian,
	dict.UIDHTJ2KLossless, dict.UIDHTJ2KLosslessRPCL, dict.UIDHTJ2K, dict.UIDMPEG4HP41, dict.UIDMPEG4HP41BD, dict.UIDMPEG2MPML, dict.UIDMPEG2MPHL,
}

// receiver writes what comes.
type receiver struct {
	dir     string
	globals *globals
	out     out
	bar     *bar
}

// receive writes one instance as a DICOM file named by its SOP Instance UID.
func (r *receiver) receive(_ context.Context, _ dimse.ResponseWriter, req *dimse.Request) error {
	if !req.SOPInstance.Tolerable() {
		return dimse.StatusInvalidObjectInstance
	}
	path := filepath.Join(r.dir, string(req.SOPInstance)+".dcm")
	n, err := writeInstance(path, req)
	if err != nil {
		fmt.Fprintln(r.out.Err, "tresor:", err)
		return dimse.StatusOutOfResources
	}
	r.bar.add(1)
	if r.globals.JSON {
		return json.NewEncoder(r.out).Encode(map[string]any{"file": path, "instance": req.SOPInstance, "sop_class": req.SOPClass,
			"transfer_syntax": req.Context.TransferSyntax, "bytes": n})
	}
	return nil
}

// writeInstance writes the data set of a C-STORE with File Meta Information of
// our own; what is not whole is not left behind.
func writeInstance(path string, req *dimse.Request) (n int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tresor-*")
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 256<<10)
	meta := encoding.NewMeta(req.SOPClass, req.SOPInstance, req.Context.TransferSyntax)
	if err = encoding.WriteMeta(w, meta); err != nil {
		return 0, fmt.Errorf("write the file: %w", err)
	}
	if n, err = io.Copy(w, req.DataSet); err != nil {
		return n, fmt.Errorf("write the file: %w", err)
	}
	if err = errors.Join(w.Flush(), f.Close()); err != nil {
		return n, fmt.Errorf("write the file: %w", err)
	}
	return n, os.Rename(f.Name(), path)
}

// retrieved prints the outcome of C-GET or C-MOVE; it fails unless all of it arrived.
func retrieved(g *globals, o out, result *dimse.Result, verb string) error {
	sub := dimse.SubOperations{}
	if result.SubOps != nil {
		sub = *result.SubOps
	}
	if g.JSON {
		err := json.NewEncoder(o).Encode(map[string]any{"status": hex(result.Status), "completed": sub.Completed, "failed": sub.Failed, "warning": sub.Warning})
		if err != nil {
			return err
		}
	} else {
		fmt.Fprintf(o, "%d %s, %d failed, %d with warnings\n", sub.Completed, verb, sub.Failed, sub.Warning)
	}
	if result.Status != dimse.StatusSuccess {
		if g.JSON {
			return errReported
		}
		return result.Status
	}
	return nil
}
