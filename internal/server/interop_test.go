package server_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// dcmtk runs a DCMTK client over TLS as the device.
func (r *running) dcmtk(t *testing.T, d *device, tool string, args ...string) peers.Result {
	t.Helper()
	all := append(d.tls().DCMTK(), "-aet", d.aet, "-aec", "TRESOR", "-v", "127.0.0.1", r.port(t))
	return peers.Tool(t, tool, append(all, args...)...)
}

func TestEchoFromDCMTK(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo", nil)
	if got := r.dcmtk(t, d, "echoscu"); got.Code != 0 {
		t.Errorf("%d: %s", got.Code, got.Output)
	}
}

func TestStoreAndFindFromDCMTKAndFetchBackIdentical(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo,store,find,get", nil)
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 5, Rows: 64, Columns: 64})
	if got := r.dcmtk(t, d, "storescu", paths(list)...); got.Code != 0 || strings.Count(got.Output, "Received Store Response (Success)") != len(list) {
		t.Fatalf("%d: %s", got.Code, got.Output)
	}
	study := string(list[0].Header.UID(dict.StudyInstanceUID))
	found := r.dcmtk(t, d, "findscu", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID="+list[0].Header.String(dict.PatientID),
		"-k", "StudyInstanceUID", "-k", "NumberOfStudyRelatedInstances")
	if found.Code != 0 || !strings.Contains(found.Output, study) {
		t.Fatalf("%d: %s", found.Code, found.Output)
	}
	got := r.get(t, d, dicom.UID(study), encoding.ExplicitLE.UID)
	if len(got) != len(list) {
		t.Fatalf("%d instances back of %d", len(got), len(list))
	}
	for _, s := range list {
		if !bytes.Equal(got[s.Instance], s.data) {
			t.Errorf("%s: %d bytes back, sent %d", s.Instance, len(got[s.Instance]), len(s.data))
		}
	}
}

// get fetches a study with our own client.
func (r *running) get(t *testing.T, d *device, study dicom.UID, syntaxes ...dicom.UID) map[dicom.UID][]byte {
	t.Helper()
	model := dict.UIDStudyRootQueryRetrieveInformationModelGet
	contexts := []ul.ProposedContext{{AbstractSyntax: model, TransferSyntaxes: []dicom.UID{encoding.ExplicitLE.UID}}}
	var roles []ul.RoleSelection
	for _, class := range []dicom.UID{dict.UIDCTImageStorage, dict.UIDMRImageStorage, dict.UIDSecondaryCaptureImageStorage, dict.UIDUltrasoundMultiFrameImageStorage} {
		for _, ts := range syntaxes {
			contexts = append(contexts, ul.ProposedContext{AbstractSyntax: class, TransferSyntaxes: []dicom.UID{ts}})
		}
		roles = append(roles, ul.RoleSelection{SOPClass: class, SCP: true})
	}
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: contexts, Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	keys := new(dicom.DataSet)
	keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY")
	keys.PutUID(dict.StudyInstanceUID, study)
	got := map[dicom.UID][]byte{}
	result, err := client.Get(t.Context(), dimse.QueryRequest{SOPClass: model, Identifier: keys},
		dimse.HandlerFunc(func(_ context.Context, _ dimse.ResponseWriter, req *dimse.Request) error {
			b, err := io.ReadAll(req.DataSet)
			got[req.SOPInstance] = b
			return err
		}))
	if err != nil || result.Status != dimse.StatusSuccess {
		t.Fatalf("%+v, %v", result, err)
	}
	return got
}

func TestRetrieveConvertsEncodings(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "store,get", nil)
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 1, Rows: 32, Columns: 32})
	if got := r.dcmtk(t, d, "storescu", paths(list)...); got.Code != 0 {
		t.Fatalf("%d: %s", got.Code, got.Output)
	}
	for _, to := range []encoding.TransferSyntax{encoding.ImplicitLE, encoding.ExplicitBE, encoding.DeflatedLE} {
		got := r.get(t, d, list[0].Header.UID(dict.StudyInstanceUID), to.UID)
		back, err := encoding.Parse(got[list[0].Instance], to, encoding.Options{})
		if err != nil {
			t.Errorf("%s: %v", to.UID, err)
			continue
		}
		plain, err := encoding.Append(nil, encoding.ExplicitLE, back)
		if err != nil || !bytes.Equal(plain, list[0].data) {
			t.Errorf("%s: another data set came back (%d bytes, %d sent), %v", to.UID, len(plain), len(list[0].data), err)
		}
	}
}

func TestGetscuAndMovescuThroughStunnel(t *testing.T) {
	peers.Need(t, "getscu", "movescu", "storescp")
	r := start(t)
	receiver := r.enrolReceiver(t)
	d := r.enrol(t, "ws", "WS", "store,find,get,move", nil)
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 3, Rows: 32, Columns: 32})
	if got := r.dcmtk(t, d, "storescu", paths(list)...); got.Code != 0 {
		t.Fatalf("%d: %s", got.Code, got.Output)
	}
	tunnel := peers.Run(t, peers.Stunnel{TLS: d.tls(), Client: true, To: atoi(t, r.port(t))})
	study := "StudyInstanceUID=" + string(list[0].Header.UID(dict.StudyInstanceUID))
	dir := t.TempDir()
	query := []string{"-S", "-aet", "WS", "-aec", "TRESOR", "-v", "-k", "QueryRetrieveLevel=STUDY", "-k", study}
	got := peers.Tool(t, "getscu", append(slices.Clone(query), "-od", dir, "127.0.0.1", itoa(tunnel.Port))...)
	if files, _ := filepath.Glob(dir + "/*"); got.Code != 0 || len(files) != 3 {
		t.Errorf("getscu: %d files, %d: %s", len(files), got.Code, got.Output)
	}
	got = peers.Tool(t, "movescu", append(slices.Clone(query), "-aem", receiver.AET, "127.0.0.1", itoa(tunnel.Port))...)
	if files := receiver.Files(); got.Code != 0 || len(files) != 3 {
		t.Errorf("movescu: %d files, %d: %s", len(files), got.Code, got.Output)
	}
	got = peers.Tool(t, "movescu", append(slices.Clone(query), "-aem", "NOBODY", "127.0.0.1", itoa(tunnel.Port))...)
	if !strings.Contains(strings.ToLower(got.Output), "a801") && !strings.Contains(got.Output, "MoveDestinationUnknown") {
		t.Errorf("an unknown destination: %d: %s", got.Code, got.Output)
	}
	got = peers.Tool(t, "dcmsend", append([]string{"-v", "-aet", "WS", "-aec", "TRESOR", "127.0.0.1", itoa(tunnel.Port)}, paths(list)...)...)
	if got.Code != 0 {
		t.Errorf("dcmsend: %d: %s", got.Code, got.Output)
	}
}
