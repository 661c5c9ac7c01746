package server_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/synth"
)

const (
	patientRoot = dict.UIDPatientRootQueryRetrieveInformationModelFind
	studyRoot   = dict.UIDStudyRootQueryRetrieveInformationModelFind
)

// find searches as the device and returns what it is answered.
func (r *running) find(t *testing.T, d *device, model dicom.UID, extended []byte, keys *dicom.DataSet) ([]*dicom.DataSet, error) {
	t.Helper()
	o := ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: model, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}}}}
	if extended != nil {
		o.Extended = []ul.ExtendedNegotiation{{SOPClass: model, Information: extended}}
	}
	client, err := r.associate(t, d, o)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	var list []*dicom.DataSet
	for match, err := range client.Find(t.Context(), dimse.QueryRequest{SOPClass: model, Identifier: keys}) {
		if err != nil {
			return list, err
		}
		list = append(list, match)
	}
	return list, nil
}

// keys returns an identifier of the level; pairs are tags and values.
func keys(t *testing.T, level string, pairs ...any) *dicom.DataSet {
	t.Helper()
	ds := new(dicom.DataSet)
	ds.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 192")
	for i := 0; i < len(pairs); i += 2 {
		e, ok := dict.Lookup(pairs[i].(dicom.Tag))
		if !ok {
			t.Fatal(pairs[i])
		}
		if v := pairs[i+1].(string); v == "" {
			ds.Put(dicom.Element{Tag: e.Tag, VR: e.VR})
		} else if err := ds.PutString(e.Tag, e.VR, v); err != nil {
			t.Fatal(err)
		}
	}
	ds.PutString(dict.QueryRetrieveLevel, dicom.VRCS, level)
	return ds
}

func TestQueriesOfAllModelsAndLevels(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "store,find", nil)
	for n := range 3 {
		r.storeAll(t, d, samples(t, encoding.ExplicitLE, synth.Options{Number: n, Patient: n / 2, Modalities: []string{"CT", "MR"}, Count: 2, Rows: 8, Columns: 8}))
	}
	someone := synth.New(1).Patient(0, "")
	id := someone.ID
	for _, c := range []struct {
		name  string
		model dicom.UID
		keys  *dicom.DataSet
		want  int
	}{
		{"patients", patientRoot, keys(t, "PATIENT", dict.PatientID, ""), 2},
		{"one patient", patientRoot, keys(t, "PATIENT", dict.PatientID, id), 1},
		{"studies of a patient", studyRoot, keys(t, "STUDY", dict.PatientID, id), 2},
		{"studies by modality", studyRoot, keys(t, "STUDY", dict.ModalitiesInStudy, "MR"), 3},
		{"no such modality", studyRoot, keys(t, "STUDY", dict.ModalitiesInStudy, "US"), 0},
		{"series of a patient, relational", studyRoot, keys(t, "SERIES", dict.PatientID, id, dict.Modality, "CT"), 2},
		{"instances of a patient, relational", patientRoot, keys(t, "IMAGE", dict.PatientID, id), 8},
		{"patient and study only", dict.UIDPatientStudyOnlyQueryRetrieveInformationModelFind, keys(t, "STUDY", dict.PatientID, id), 2},
	} {
		got, err := r.find(t, d, c.model, nil, c.keys)
		if err != nil || len(got) != c.want {
			t.Errorf("%s: %d answers, want %d, %v", c.name, len(got), c.want, err)
		}
		for _, answer := range got {
			if answer.String(dict.QueryRetrieveLevel) != c.keys.String(dict.QueryRetrieveLevel) || answer.String(dict.RetrieveAETitle) != "TRESOR" {
				t.Errorf("%s: level %q, retrieve AE title %q", c.name, answer.String(dict.QueryRetrieveLevel), answer.String(dict.RetrieveAETitle))
			}
		}
	}
	for _, c := range []struct {
		name  string
		model dicom.UID
		keys  *dicom.DataSet
	}{
		{"no level", studyRoot, func() *dicom.DataSet { k := keys(t, "X"); k.Delete(dict.QueryRetrieveLevel); return k }()},
		{"no such level", studyRoot, keys(t, "FRAME")},
		{"patients in the study root", studyRoot, keys(t, "PATIENT")},
		{"series in patient and study only", dict.UIDPatientStudyOnlyQueryRetrieveInformationModelFind, keys(t, "SERIES")},
	} {
		_, err := r.find(t, d, c.model, nil, c.keys)
		var status dimse.Status
		if !errors.As(err, &status) || status != dimse.StatusDataSetMismatch {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAnswersInTheCharacterSetOfTheDevice(t *testing.T) {
	r := start(t)
	plain := r.enrol(t, "ct1", "CT1", "store,find", nil)
	latin := r.enrol(t, "old", "OLD", "find", func(d *identity.Device) { d.CharacterSet = []string{"ISO_IR 100"} })
	greek := samples(t, encoding.ExplicitLE, synth.Options{Number: 1, Patient: 1, Count: 1, Rows: 8, Columns: 8, CharacterSet: "greek"})
	german := samples(t, encoding.ExplicitLE, synth.Options{Number: 2, Patient: 2, Count: 1, Rows: 8, Columns: 8, CharacterSet: "latin1"})
	r.storeAll(t, plain, append(greek, german...))
	ask := func(d *device, s sample, set string) *dicom.DataSet {
		t.Helper()
		k := keys(t, "STUDY", dict.StudyInstanceUID, string(s.Header.UID(dict.StudyInstanceUID)), dict.PatientName, "")
		k.PutString(dict.SpecificCharacterSet, dicom.VRCS, set)
		got, err := r.find(t, d, studyRoot, nil, k)
		if err != nil || len(got) != 1 {
			t.Fatalf("%d answers, %v", len(got), err)
		}
		return got[0]
	}
	for _, c := range []struct {
		name   string
		device *device
		sample sample
		asked  string
		want   string
	}{
		{"asked in Latin-1", plain, german[0], "ISO_IR 100", "ISO_IR 100"},
		{"asked in UTF-8", plain, german[0], "ISO_IR 192", "ISO_IR 192"},
		{"Latin-1 cannot say it", plain, greek[0], "ISO_IR 100", "ISO_IR 192"},
		{"asked in Greek", plain, greek[0], "ISO_IR 126", "ISO_IR 126"},
		{"configured", latin, german[0], "ISO_IR 192", "ISO_IR 100"},
		{"unknown", plain, german[0], "NO SUCH SET", "ISO_IR 192"},
	} {
		got := ask(c.device, c.sample, c.asked)
		if set := got.String(dict.SpecificCharacterSet); set != c.want {
			t.Errorf("%s: answered in %q, want %q", c.name, set, c.want)
		}
		if name, want := got.String(dict.PatientName), c.sample.Header.String(dict.PatientName); strings.TrimRight(name, "^=") != strings.TrimRight(want, "^=") {
			t.Errorf("%s: %q, want %q", c.name, name, want)
		}
	}
}

func TestScopeOfADevice(t *testing.T) {
	r := start(t)
	ct := r.enrol(t, "ct1", "CT1", "store,find,get", nil)
	narrow := r.enrol(t, "mr1", "MR1", "store,find,get", func(d *identity.Device) { d.Scope.Modalities = []string{"MR"} })
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 1, Rows: 8, Columns: 8})
	r.storeAll(t, ct, list)
	all := keys(t, "STUDY", dict.StudyInstanceUID, "")
	if got, err := r.find(t, narrow, studyRoot, nil, all); err != nil || len(got) != 0 {
		t.Errorf("a query outside the scope sees %d, %v", len(got), err)
	}
	if got, err := r.find(t, ct, studyRoot, nil, all); err != nil || len(got) != 1 {
		t.Errorf("a query without scope sees %d, %v", len(got), err)
	}
	f := corpusFile{class: list[0].Class, instance: list[0].Instance, syntax: list[0].syntax.UID, data: list[0].data}
	if back, err := r.fetch(t, narrow, f); err != nil || len(back) != 0 {
		t.Errorf("a retrieval outside the scope gets %d bytes, %v", len(back), err)
	}
	if status, err := r.send(t, narrow, f); err != nil || status != dimse.StatusNotAuthorized {
		t.Errorf("an instance outside the scope: %v, %v", status, err)
	}
}

func TestNegotiatedMatching(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "store,find", nil)
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 1, Rows: 8, Columns: 8})
	r.storeAll(t, d, list)
	name := list[0].Header.String(dict.PatientName)
	family, _, _ := strings.Cut(name, "^")
	k := keys(t, "STUDY", dict.PatientName, strings.ToLower(family))
	if got, err := r.find(t, d, studyRoot, nil, k); err != nil || len(got) != 0 {
		t.Errorf("not negotiated: %d answers, %v", len(got), err)
	}
	if got, err := r.find(t, d, studyRoot, []byte{1, 1, 1}, k); err != nil || len(got) != 1 {
		t.Errorf("fuzzy: %d answers, %v", len(got), err)
	}
}
