package dicomweb_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// Instances and frames come in every lossless syntax that the client names,
// with the same samples.
func TestRetrieveTranscodes(t *testing.T) {
	f := start(t)
	o := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitBE, nil)
	f.put(o)
	const path = "/studies/1.1/series/1.1.1/instances/1.1.1.1"
	d, err := pixel.Describe(o.ds)
	if err != nil {
		t.Fatal(err)
	}
	types := map[dicom.UID]string{
		dict.UIDJPEGLosslessSV1: "image/jpeg", dict.UIDJPEGLossless: "image/jpeg", dict.UIDJPEGLSLossless: "image/jls",
		dict.UIDJPEG2000Lossless: "image/jp2", dict.UIDRLELossless: "image/dicom-rle",
	}
	for _, ts := range pixel.EncodedSyntaxes() {
		r := f.get(path, "Accept", "application/dicom; transfer-syntax="+string(ts))
		meta, ds, err := encoding.ParseFile(r.body, encoding.Options{})
		if err != nil {
			t.Errorf("%s: %d %v", ts, r.status, err)
			continue
		}
		im, err := pixel.Open(ds, ts, pixel.Limits{})
		if err != nil || meta.UID(dict.TransferSyntaxUID) != ts {
			t.Errorf("%s: %v", ts, err)
			continue
		}
		if frame, err := im.Frame(0); err != nil || !bytes.Equal(frame.Data, o.pixels) {
			t.Errorf("%s: other pixels, %v", ts, err)
		}
		typ := types[ts]
		if typ == "" {
			continue
		}
		r = f.get(path+"/frames/1", "Accept", typ+"; transfer-syntax="+string(ts))
		decoder, _ := pixel.Decoder(ts)
		if frame, err := decoder.Decode(r.body, d, pixel.Limits{}); err != nil || !bytes.Equal(frame.Data, o.pixels) {
			t.Errorf("frame in %s: %d, other pixels, %v", ts, r.status, err)
		}
	}
	for accept, want := range map[string]string{
		"image/jls":  "image/jls; transfer-syntax=" + string(dict.UIDJPEGLSLossless),
		"image/jpeg": "image/jpeg; transfer-syntax=" + string(dict.UIDJPEGLosslessSV1),
		"image/jls; q=0.5, application/octet-stream; q=0.9": "application/octet-stream",
	} {
		r := f.get(path+"/frames/1", "Accept", accept)
		if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %d %s", accept, r.status, got)
		}
	}
}
