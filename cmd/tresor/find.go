package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

type findCommand struct {
	peer
	Level string   `help:"patient, study, series or instance." enum:"patient,study,series,instance,image" default:"study"`
	Root  string   `help:"Information model: study or patient." enum:"study,patient," default:""`
	Keys  []string `arg:"" optional:"" name:"KEY=VALUE" help:"What to match (PatientID=4711, PatientName=SMI*, StudyDate=20260101-20261231); KEY alone asks for its value. KEY is a keyword or a tag, or a path as in A.B."`
}

// dimseLevel is what DIMSE calls the levels.
var dimseLevel = map[string]string{"patient": "PATIENT", "study": "STUDY", "series": "SERIES", "instance": "IMAGE", "image": "IMAGE"}

// usualKeys are asked for besides what the command names, for each level.
var usualKeys = map[string][]dicom.Tag{
	"PATIENT": {dict.PatientName, dict.PatientID, dict.PatientBirthDate, dict.PatientSex},
	"STUDY": {dict.PatientName, dict.PatientID, dict.StudyDate, dict.StudyTime, dict.AccessionNumber, dict.ModalitiesInStudy,
		dict.StudyDescription, dict.StudyInstanceUID, dict.NumberOfStudyRelatedSeries, dict.NumberOfStudyRelatedInstances},
	"SERIES": {dict.StudyInstanceUID, dict.SeriesInstanceUID, dict.Modality, dict.SeriesNumber, dict.SeriesDescription,
		dict.NumberOfSeriesRelatedInstances},
	"IMAGE": {dict.StudyInstanceUID, dict.SeriesInstanceUID, dict.SOPInstanceUID, dict.SOPClassUID, dict.InstanceNumber},
}

// Run performs C-FIND and prints each match.
func (c *findCommand) Run(ctx context.Context, g *globals, o out) error {
	level := dimseLevel[c.Level]
	identifier, err := c.identifier(level)
	if err != nil {
		return err
	}
	model := queryModel(c.Root, level, dict.UIDStudyRootQueryRetrieveInformationModelFind, dict.UIDPatientRootQueryRetrieveInformationModelFind)
	client, err := c.connect(ctx, []ul.ProposedContext{plain(model)})
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	n := 0
	for match, err := range client.Find(ctx, dimse.QueryRequest{SOPClass: model, Identifier: identifier}) {
		if err != nil {
			return fmt.Errorf("find: %w", err)
		}
		n++
		if err := printMatch(g, o, match); err != nil {
			return err
		}
	}
	if !g.JSON {
		fmt.Fprintf(o.Err, "%d found\n", n)
	}
	return nil
}

// queryModel returns the information model: the root asked for, else the study
// root where it has the level.
func queryModel(root, level string, study, patient dicom.UID) dicom.UID {
	if root == "patient" || root == "" && level == "PATIENT" {
		return patient
	}
	return study
}

func (c *findCommand) identifier(level string) (*dicom.DataSet, error) {
	ds := new(dicom.DataSet)
	ds.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 192")
	for _, t := range usualKeys[level] {
		e, _ := dict.Lookup(t)
		ds.Put(dicom.Element{Tag: t, VR: e.VR})
	}
	for _, key := range c.Keys {
		name, value, _ := strings.Cut(key, "=")
		if err := putKey(ds, name, value); err != nil {
			return nil, usageError{fmt.Errorf("key %q: %w", name, err)}
		}
	}
	ds.PutString(dict.QueryRetrieveLevel, dicom.VRCS, level)
	return ds, nil
}

// putKey enters a key, which may be a path through sequences, into ds.
func putKey(ds *dicom.DataSet, path, value string) error {
	name, rest, nested := strings.Cut(path, ".")
	entry, err := lookupKey(name)
	if err != nil {
		return err
	}
	if nested {
		if entry.VR != dicom.VRSQ {
			return errors.New("only a sequence has keys below it")
		}
		items := ds.Items(entry.Tag)
		if len(items) == 0 {
			ds.PutItems(entry.Tag, new(dicom.DataSet))
			items = ds.Items(entry.Tag)
		}
		return putKey(items[0].DataSet, rest, value)
	}
	switch {
	case value == "":
		ds.Put(dicom.Element{Tag: entry.Tag, VR: entry.VR})
	case entry.VR.IsText():
		ds.PutString(entry.Tag, entry.VR, value)
	default:
		return putNumber(ds, entry, value)
	}
	return nil
}

func putNumber(ds *dicom.DataSet, entry dict.Entry, value string) error {
	var n int64
	if _, err := fmt.Sscanf(value, "%d", &n); err != nil {
		return fmt.Errorf("%s takes a whole number", entry.Keyword)
	}
	ds.PutInts(entry.Tag, entry.VR, n)
	return nil
}

// lookupKey finds an element by its keyword or its tag.
func lookupKey(name string) (dict.Entry, error) {
	if e, ok := dict.ByKeyword(name); ok {
		return e, nil
	}
	t, err := dicom.ParseTag(name)
	if err != nil {
		return dict.Entry{}, errors.New("neither a keyword of the DICOM dictionary nor a tag such as 00100020")
	}
	e, ok := dict.Lookup(t)
	if !ok {
		return dict.Entry{}, errors.New("the DICOM dictionary does not have this tag")
	}
	return e, nil
}

// printMatch prints one answer: as DICOM JSON, or a line with names.
func printMatch(g *globals, o out, ds *dicom.DataSet) error {
	if g.JSON {
		b, err := encoding.AppendJSON(nil, ds, encoding.JSONOptions{})
		if err != nil {
			return err
		}
		_, err = o.Write(append(b, '\n'))
		return err
	}
	var line []string
	for e := range ds.All() {
		entry, ok := dict.Lookup(e.Tag)
		if !ok || e.Tag == dict.QueryRetrieveLevel || e.Tag == dict.SpecificCharacterSet || e.Tag == dict.RetrieveAETitle {
			continue
		}
		if v := ds.Strings(e.Tag); len(v) > 0 && v[0] != "" {
			line = append(line, fmt.Sprintf("%s=%s", entry.Keyword, visible(strings.Join(v, "\\"))))
		}
	}
	_, err := fmt.Fprintln(o, strings.Join(line, "  "))
	return err
}

// visible replaces characters that a terminal would obey.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return '·'
		}
		return r
	}, s)
}
