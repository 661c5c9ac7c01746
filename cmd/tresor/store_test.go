package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// A peer that takes one transfer syntax alone gets files in that one, with the
// same samples; one that takes none of ours gets nothing, and the file is named.
func TestStoreTranscodes(t *testing.T) {
	peers.Need(t, "storescp")
	path := filepath.Join(t.TempDir(), "ct.dcm")
	for object := range synth.New(7).Objects(synth.Options{Count: 1, Rows: 40, Columns: 32}) {
		if err := object.WriteFile(path, dict.UIDExplicitVRLittleEndian); err != nil {
			t.Fatal(err)
		}
	}
	for _, ts := range []dicom.UID{dict.UIDJPEGLSLossless, dict.UIDJPEGLosslessSV1, dict.UIDJPEG2000Lossless, dict.UIDMPEG2MPML} {
		p := peers.Run(t, peers.Storescp{Accepts: []string{string(ts)}})
		var printed bytes.Buffer
		code := run([]string{"store", "--plain", "--json", peers.Address(p.Port), path}, out{&printed, io.Discard})
		var r storeResult
		if err := json.Unmarshal(printed.Bytes(), &r); err != nil {
			t.Fatalf("%s: %d %s", ts, code, &printed)
		}
		if ts == dict.UIDMPEG2MPML {
			if code != exitFailed || r.Error == "" || r.Syntax != "" {
				t.Errorf("%s: %d %s", ts, code, &printed)
			}
			continue
		}
		files := p.Files()
		if code != exitDone || r.Syntax != ts || len(files) != 1 {
			t.Fatalf("%s: %d %s, %d files", ts, code, &printed, len(files))
		}
		if !bytes.Equal(firstFrame(t, files[0]), firstFrame(t, path)) {
			t.Errorf("%s: other samples", ts)
		}
	}
}

// firstFrame decodes the first frame of a file.
func firstFrame(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	meta, ds, err := encoding.ParseFile(b, encoding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	im, err := pixel.Open(ds, meta.UID(dict.TransferSyntaxUID), pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := im.Frame(0)
	if err != nil {
		t.Fatal(err)
	}
	return f.Data
}
