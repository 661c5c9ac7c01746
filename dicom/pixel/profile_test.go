package pixel_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// A profile is found in the data set or its only optical path, without padding.
func TestProfileIsFound(t *testing.T) {
	profile := make([]byte, 131)
	binary.BigEndian.PutUint32(profile, 131)
	element := dicom.Element{Tag: dict.ICCProfile, VR: dicom.VROB, Data: append(profile, 0)}
	own, within, lying := new(dicom.DataSet), new(dicom.DataSet), new(dicom.DataSet)
	own.Put(element)
	path := new(dicom.DataSet)
	path.Put(element)
	within.Put(dicom.Element{Tag: dict.OpticalPathSequence, VR: dicom.VRSQ, Items: []dicom.Item{{DataSet: path}}})
	lying.Put(dicom.Element{Tag: dict.ICCProfile, VR: dicom.VROB, Data: bytes.Repeat([]byte{0xff}, 132)})
	for i, ds := range []*dicom.DataSet{own, within} {
		if got := pixel.Profile(ds); !bytes.Equal(got, profile) {
			t.Errorf("%d: %d bytes", i, len(got))
		}
	}
	for i, ds := range []*dicom.DataSet{lying, new(dicom.DataSet)} {
		if got := pixel.Profile(ds); got != nil {
			t.Errorf("%d: %d bytes where there are none", i, len(got))
		}
	}
}

// Pictures with a profile are pictures still, and the profile is in them whole.
func TestProfileIsWritten(t *testing.T) {
	picture := image.NewRGBA(image.Rect(0, 0, 9, 7))
	profile := make([]byte, 150_000) // three segments of JPEG
	for i := range profile {
		profile[i] = byte(i * i / 7)
	}
	var b bytes.Buffer
	if err := pixel.WritePNG(&b, picture, profile); err != nil {
		t.Fatal(err)
	}
	if m, err := png.Decode(bytes.NewReader(b.Bytes())); err != nil || m.Bounds() != picture.Bounds() {
		t.Fatal(err)
	}
	at := bytes.Index(b.Bytes(), []byte("iCCPICC\x00\x00"))
	z, err := zlib.NewReader(bytes.NewReader(b.Bytes()[at+9:]))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, profile) {
		t.Errorf("PNG: another profile, %v", err)
	}
	b.Reset()
	if err := pixel.WriteJPEG(&b, picture, 0, profile); err != nil {
		t.Fatal(err)
	}
	if m, err := jpeg.Decode(bytes.NewReader(b.Bytes())); err != nil || m.Bounds() != picture.Bounds() {
		t.Fatal(err)
	}
	var got []byte
	for rest := b.Bytes()[2:]; binary.BigEndian.Uint16(rest) == 0xffe2; {
		n := int(binary.BigEndian.Uint16(rest[2:]))
		got = append(got, rest[4+14:2+n]...)
		rest = rest[2+n:]
	}
	if !bytes.Equal(got, profile) {
		t.Errorf("JPEG: another profile of %d bytes", len(got))
	}
}
