package server_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// storeIn stores the samples in another transfer syntax than they are in.
func (r *running) storeIn(t *testing.T, d *device, ts dicom.UID, list []sample) {
	t.Helper()
	class := list[0].Header.UID(dict.SOPClassUID)
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: class, TransferSyntaxes: []dicom.UID{ts}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		c, err := pixel.NewTranscoder(t.Context(), bytes.NewReader(s.data), int64(len(s.data)), s.syntax.UID, ts, pixel.TranscodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := c.WriteTo(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		result, err := client.Store(t.Context(), dimse.StoreRequest{SOPClass: class, SOPInstance: s.Instance, TransferSyntax: ts, DataSet: &b})
		if err != nil || result.Status != dimse.StatusSuccess {
			t.Fatalf("%+v, %v", result, err)
		}
	}
}

// firstFrame decodes the first frame of a data set.
func firstFrame(t *testing.T, b []byte, ts dicom.UID) []byte {
	t.Helper()
	syntax, ok := encoding.Lookup(ts)
	if !ok {
		t.Fatalf("unknown transfer syntax %s", ts)
	}
	ds, err := encoding.Parse(b, syntax, encoding.Options{})
	if err != nil {
		t.Fatalf("%s: %v", ts, err)
	}
	im, err := pixel.Open(ds, ts, pixel.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", ts, err)
	}
	f, err := im.Frame(0)
	if err != nil {
		t.Fatalf("%s: %v", ts, err)
	}
	return f.Data
}

// fileFrame decodes the first frame of a file and returns its transfer syntax too.
func fileFrame(t *testing.T, path string) (dicom.UID, dicom.UID, []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	meta, ts, at, err := encoding.ParseMeta(b)
	if err != nil {
		t.Fatal(err)
	}
	return meta.UID(dict.MediaStorageSOPInstanceUID), ts.UID, firstFrame(t, b[at:], ts.UID)
}

// A C-GET brings what is stored into the one transfer syntax that the peer takes.
func TestGetTranscodes(t *testing.T) {
	r := start(t)
	d := r.enrol(t, "ws", "WS", "store,get", nil)
	likes := r.enrol(t, "jls", "JLS", "get", func(d *identity.Device) { d.PreferredSyntax = dict.UIDJPEGLSLossless })
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 2, Rows: 48, Columns: 64})
	study := list[0].Header.UID(dict.StudyInstanceUID)
	r.storeIn(t, d, dict.UIDJPEG2000Lossless, list)
	same := func(got map[dicom.UID][]byte, ts dicom.UID) {
		t.Helper()
		if len(got) != len(list) {
			t.Fatalf("%s: %d instances of %d", ts, len(got), len(list))
		}
		for _, s := range list {
			if !bytes.Equal(firstFrame(t, got[s.Instance], ts), firstFrame(t, s.data, encoding.ExplicitLE.UID)) {
				t.Errorf("%s: other pixels", ts)
			}
		}
	}
	for _, ts := range pixel.TranscodeTargets(dict.UIDJPEG2000Lossless) {
		same(r.get(t, d, study, ts), ts)
	}
	// Stored first, whatever else is taken; but the preferred one before it.
	same(r.get(t, d, study, encoding.ExplicitLE.UID, dict.UIDJPEG2000Lossless, dict.UIDJPEGLSLossless), dict.UIDJPEG2000Lossless)
	same(r.get(t, likes, study, encoding.ExplicitLE.UID, dict.UIDJPEG2000Lossless, dict.UIDJPEGLSLossless), dict.UIDJPEGLSLossless)
}

// getscu and storescp take instances in the one transfer syntax that they know.
func TestDCMTKGetsWhatItTakes(t *testing.T) {
	peers.Need(t, "getscu", "movescu", "storescp")
	r := start(t)
	d := r.enrol(t, "ws", "WS", "store,find,get,move", nil)
	only := map[dicom.UID]*peers.Peer{}
	for aet, ts := range map[string]dicom.UID{"JLS": dict.UIDJPEGLSLossless, "SV1": dict.UIDJPEGLosslessSV1, "RLE": dict.UIDRLELossless, "IMPLICIT": dict.UIDImplicitVRLittleEndian} {
		only[ts] = r.enrolReceiverOf(t, aet, aet, nil, string(ts))
	}
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 3, Rows: 32, Columns: 40})
	want := map[dicom.UID][]byte{}
	for _, s := range list {
		want[s.Instance] = firstFrame(t, s.data, s.syntax.UID)
	}
	r.storeIn(t, d, dict.UIDJPEG2000Lossless, list)
	tunnel := peers.Run(t, peers.Stunnel{TLS: d.tls(), Client: true, To: atoi(t, r.port(t))})
	query := []string{"-S", "-aet", "WS", "-aec", "TRESOR", "-v", "-k", "QueryRetrieveLevel=STUDY",
		"-k", "StudyInstanceUID=" + string(list[0].Header.UID(dict.StudyInstanceUID))}
	check := func(tool string, got peers.Result, dir string, ts dicom.UID) {
		t.Helper()
		files, _ := filepath.Glob(dir + "/*")
		if got.Code != 0 || len(files) != len(list) {
			t.Fatalf("%s in %s: %d files, %d: %s", tool, ts, len(files), got.Code, got.Output)
		}
		for _, f := range files {
			instance, is, frame := fileFrame(t, f)
			if is != ts || !bytes.Equal(frame, want[instance]) {
				t.Errorf("%s in %s: a file in %s, or other pixels", tool, ts, is)
			}
		}
	}
	for option, ts := range map[string]dicom.UID{"+xe": dict.UIDExplicitVRLittleEndian, "+xb": dict.UIDExplicitVRBigEndian,
		"+xr": dict.UIDRLELossless, "+xt": dict.UIDJPEGLSLossless, "+xs": dict.UIDJPEGLosslessSV1} {
		dir := t.TempDir()
		check("getscu", peers.Tool(t, "getscu", append(slices.Clone(query), option, "+B", "-od", dir, "127.0.0.1", itoa(tunnel.Port))...), dir, ts)
	}
	for ts, p := range only {
		check("movescu", peers.Tool(t, "movescu", append(slices.Clone(query), "-aem", p.AET, "127.0.0.1", itoa(tunnel.Port))...), p.Dir, ts)
	}
}
