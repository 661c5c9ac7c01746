package dicomweb

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

var frameRoutes = []Route{
	{http.MethodGet, instancePath + "/frames/{frames}", "Retrieve Frames", "PS3.18 section 10.4.1.1.6", frameForm, serveFrames},
}

// frameTypes are the media types of encapsulated frames (PS3.18 table 8.7.3-5).
var frameTypes = map[dicom.UID]string{
	dict.UIDJPEGBaseline8Bit: "image/jpeg", dict.UIDJPEGExtended12Bit: "image/jpeg",
	dict.UIDJPEGLossless: "image/jpeg", dict.UIDJPEGLosslessSV1: "image/jpeg",
	dict.UIDRLELossless:    "image/dicom-rle",
	dict.UIDJPEGLSLossless: "image/jls", dict.UIDJPEGLSNearLossless: "image/jls",
	dict.UIDJPEG2000Lossless: "image/jp2", dict.UIDJPEG2000: "image/jp2",
	dict.UIDJPEG2000MCLossless: "image/jpx", dict.UIDJPEG2000MC: "image/jpx",
	dict.UIDHTJ2KLossless: "image/jphc", dict.UIDHTJ2KLosslessRPCL: "image/jphc", dict.UIDHTJ2K: "image/jphc",
}

var frameForm = &Form{Query: []Parameter{acceptParameter}, Answers: []string{
	partsOf(typeBytes), typeBytes, partsOf("image/jpeg"), partsOf("image/dicom-rle"), partsOf("image/jls"),
	partsOf("image/jp2"), partsOf("image/jpx"), partsOf("image/jphc"),
}}

// serveFrames answers frames: as they are stored, or decoded.
func serveFrames(x *exchange) error {
	numbers, err := parseFrames(x.path["frames"])
	if err != nil {
		return err
	}
	r, err := x.access()
	if err != nil {
		return err
	}
	s, err := x.open(r, &r.Entries[0])
	if err != nil {
		return err
	}
	defer s.Close()
	o, err := x.negotiate(frameOffers(s.syntax)...)
	if err != nil {
		return err
	}
	p, err := x.pixelsOf(s)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if n > p.Frames {
			return &problem{Status: http.StatusNotFound, Title: "the instance does not have that frame"}
		}
	}
	if !o.multipart && len(numbers) > 1 {
		return notAcceptable("several frames come in several parts")
	}
	return x.writeFrames(s, p, o, numbers)
}

// frameOffers lists the forms in which the frames of an instance can be had. For
// compressed ones the standard's default is to decode them (PS3.18 section
// 8.7.3.3), which is offered where there is a decoder.
func frameOffers(ts encoding.TransferSyntax) []offer {
	plain := encoding.ExplicitLE.UID
	if !ts.Encapsulated {
		return append([]offer{{true, typeBytes, plain, true}, {false, typeBytes, plain, true}}, transcodedOffers(ts.UID)...)
	}
	// The same bytes under a type that says nothing, for viewers that ask for
	// transfer-syntax=*.
	list := []offer{{true, typeBytes, ts.UID, false}, {false, typeBytes, ts.UID, false}}
	var decoded []offer
	if decodes(ts.UID) {
		decoded = []offer{{true, typeBytes, plain, true}, {false, typeBytes, plain, true}}
	}
	if typ := frameTypes[ts.UID]; typ != "" {
		list = append([]offer{{true, typ, ts.UID, true}, {false, typ, ts.UID, true}}, list...)
		list = append(list, decoded...)
	} else {
		list = append(decoded, list...) // viewers do not read what has no type here
	}
	return append(list, transcodedOffers(ts.UID)...)
}

func (x *exchange) writeFrames(s *stored, f *pixels, o *offer, numbers []int) error {
	if !o.multipart {
		b, err := x.frameIn(s, f, numbers[0], o.syntax)
		if err != nil {
			return err
		}
		typ := o.typ + "; transfer-syntax=" + string(o.syntax)
		return x.serveBytes(typ, etag(s.entry, o.syntax+".frame."+dicom.UID(strconv.Itoa(numbers[0]))), b)
	}
	p := x.multipart(o.typ)
	for _, n := range numbers {
		location := x.resource(s.entry.Study, s.entry.Series, s.entry.Instance) + "/frames/" + strconv.Itoa(n)
		if err := x.framePart(p, s, f, o, n, location); err != nil {
			return err
		}
	}
	return p.end()
}

// framePart writes one frame as a part.
func (x *exchange) framePart(p *parts, s *stored, f *pixels, o *offer, n int, location string) error {
	b, err := x.frameIn(s, f, n, o.syntax) // before the part begins, so that the first can still fail with a status
	if err != nil {
		return err
	}
	w, err := p.next(o.typ, o.syntax, location)
	if err != nil {
		return err
	}
	if _, err = w.Write(b); err == nil {
		reuse(b) // not after an error: HTTP/2 may still be sending from it
	}
	return err
}

// frameBuffers holds what frames were read into, so that a viewer's requests do
// not each take half a megabyte anew.
var frameBuffers sync.Pool

func frameBuffer(n int64) []byte {
	if b, ok := frameBuffers.Get().(*[]byte); ok && int64(cap(*b)) >= n {
		return (*b)[:n]
	}
	return make([]byte, n)
}

// reuse gives a frame's bytes back, of which nothing is used any more.
func reuse(b []byte) {
	if cap(b) >= 64<<10 && cap(b) <= 4<<20 {
		frameBuffers.Put(&b)
	}
}

// frame reads one frame, counted from 1, as it is stored, or as explicit VR little
// endian has it if it is native.
func (x *exchange) frame(s *stored, p *pixels, n int) ([]byte, error) {
	if !s.syntax.Encapsulated {
		return s.nativeFrame(p, n)
	}
	return p.frames.Read(s, n-1)
}

// maxFrame is the largest frame that is sent, in bytes.
const maxFrame = 1 << 30

// nativeFrame reads one frame of native pixel data.
func (s *stored) nativeFrame(p *pixels, n int) ([]byte, error) {
	first := p.bits * int64(n-1) // bit at which the frame begins
	from, to := first/8, (first+p.bits+7)/8
	if to-from > maxFrame {
		return nil, pixel.ErrLimit
	}
	r, err := s.read(p.bulk.Offset+from, to-from)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := frameBuffer(to - from)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("read a frame: %w", err)
	}
	if shift := first % 8; shift != 0 || p.bits%8 != 0 {
		b = shiftBits(b, int(shift), p.bits)
	}
	swapBytes(b, p.swap)
	return b, nil
}

// shiftBits returns n bits of b from bit number from on, the rest of the last
// byte zero (PS3.5 section 8.1.1: frames of one bit need not begin with a byte).
func shiftBits(b []byte, from int, n int64) []byte {
	out := make([]byte, (n+7)/8)
	for i := range out {
		v := uint16(b[i])
		if i+1 < len(b) {
			v |= uint16(b[i+1]) << 8
		}
		out[i] = byte(v >> from)
	}
	if rest := n % 8; rest != 0 {
		out[len(out)-1] &= 1<<rest - 1
	}
	return out
}

// swapBytes turns the byte order of words of the width around.
func swapBytes(b []byte, width int) {
	if width < 2 {
		return
	}
	for ; len(b) >= width; b = b[width:] {
		for i := range width / 2 {
			b[i], b[width-1-i] = b[width-1-i], b[i]
		}
	}
}

// maxFrameList bounds how many frames one request asks for.
const maxFrameList = 4096

// parseFrames reads a list of frame numbers, counted from 1.
func parseFrames(s string) ([]int, error) {
	var list []int
	for f := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(f, 10, 31)
		if err != nil || n == 0 || len(list) == maxFrameList {
			return nil, bad("frames are numbers from 1 on, separated by commas")
		}
		list = append(list, int(n))
	}
	return list, nil
}
