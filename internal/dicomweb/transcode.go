package dicomweb

import (
	"io"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// file returns what writes an instance as a file in the transfer syntax. Where
// pixels have to be decoded, most of what can fail does so here: nothing is
// written yet, and the status can tell.
func (x *exchange) file(s *stored, to encoding.TransferSyntax) (write func(io.Writer) error, err error) {
	head, err := fileHead(s.entry, to.UID)
	if err != nil {
		return nil, err
	}
	var t *pixel.Transcoder
	if to.UID != s.syntax.UID {
		o := pixel.TranscodeOptions{Limits: x.service.limits}
		if t, err = pixel.NewTranscoder(x.ctx(), s, s.entry.Length, s.syntax.UID, to.UID, o); err != nil {
			return nil, err
		}
	}
	return func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		if t != nil {
			return t.WriteTo(x.ctx(), w)
		}
		raw := s.raw(0, s.entry.Length)
		defer raw.Close()
		_, err := io.Copy(w, raw)
		return err
	}, nil
}

// frameIn reads one frame, counted from 1, in the transfer syntax of an offer.
func (x *exchange) frameIn(s *stored, p *pixels, n int, to dicom.UID) ([]byte, error) {
	b, err := x.frame(s, p, n)
	if err != nil || to == s.syntax.UID || to == encoding.ExplicitLE.UID && !s.syntax.Encapsulated {
		return b, err
	}
	from := s.syntax.UID
	if !s.syntax.Encapsulated {
		from = encoding.ExplicitLE.UID // as frame returns it
	}
	return pixel.TranscodeFrame(x.ctx(), b, &p.Description, from, to, pixel.Limits{})
}

// transcodedOffers lists the compressed forms in which frames can be had besides
// the stored one. Where the client names a media type alone, it is the lossless
// syntax that the type had first.
func transcodedOffers(from dicom.UID) []offer {
	var list []offer
	for _, to := range pixel.TranscodeTargets(from)[1:] {
		if typ := frameTypes[to]; typ != "" {
			byDefault := slices.Contains(plainLossless, to)
			list = append(list, offer{true, typ, to, byDefault}, offer{false, typ, to, byDefault})
		}
	}
	return list
}

var plainLossless = []dicom.UID{
	dict.UIDJPEGLosslessSV1, dict.UIDJPEGLSLossless, dict.UIDJPEG2000Lossless, dict.UIDRLELossless, dict.UIDHTJ2KLossless,
}
