package dicomweb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

var renderedRoutes = []Route{
	{http.MethodGet, studyPath + "/rendered", "Retrieve Rendered Study", "PS3.18 section 10.4.1.1.3", pictureForm, serveRendered},
	{http.MethodGet, seriesPath + "/rendered", "Retrieve Rendered Series", "PS3.18 section 10.4.1.1.3", pictureForm, serveRendered},
	{http.MethodGet, instancePath + "/rendered", "Retrieve Rendered Instance", "PS3.18 section 10.4.1.1.3", pictureForm, serveRendered},
	{http.MethodGet, instancePath + "/frames/{frames}/rendered", "Retrieve Rendered Frames", "PS3.18 section 10.4.1.1.3", pictureForm, serveRendered},
}

var pictureForm = &Form{
	Answers: []string{partsOf(typeJPEG), partsOf(typePNG), partsOf(typeGIF), typeJPEG, typePNG, typeGIF, typeHTML, typePlain, typePDF},
	Query: []Parameter{
		acceptParameter,
		{Name: "window", Doc: "center,width,function (PS3.18 section 8.3.5.1.4)"},
		{Name: "viewport", Doc: "vw,vh[,sx,sy,sw,sh] (PS3.18 section 8.3.5.1.3)"},
		{Name: "quality", Doc: "1 to 100 (PS3.18 section 8.3.5.1.2)"},
		{Name: "annotation", Doc: "patient, technique (PS3.18 section 8.3.5.1.1)"},
		{Name: "iccprofile", Doc: "no, or yes for the profile that the instance has (PS3.18 section 8.3.5.1.5)"},
	},
}

// maxPictures bounds one answer.
const maxPictures = 1000

var errTooManyPictures = &problem{Status: http.StatusRequestEntityTooLarge, Title: "too many pictures for one answer: ask for series, instances or frames"}

// pictureTypes are the rendered media types, the default first.
var pictureTypes = []string{typeJPEG, typePNG, typeGIF}

// pictureOffers lists the forms of pictures: in parts, or one alone. What is more
// than one resource comes in parts only (PS3.18 section 10.4.4).
func pictureOffers(parts, alone bool) (list []offer) {
	for _, typ := range pictureTypes {
		if alone {
			list = append(list, offer{typ: typ})
		}
	}
	for _, typ := range pictureTypes {
		if parts {
			list = append(list, offer{multipart: true, typ: typ})
		}
	}
	return list
}

// serveRendered answers pictures of the resource, in parts or one alone: that is
// of an instance of several frames the first, or an animated one if the client
// wants image/gif. A structured report is text, an encapsulated PDF itself.
func serveRendered(x *exchange) error {
	l, err := parseLook(x.URL.Query())
	if err != nil {
		return err
	}
	var frames []int
	if list, given := x.path["frames"]; given {
		if frames, err = parseFrames(list); err != nil {
			return err
		}
	}
	for _, w := range l.warnings {
		x.w.Header().Add("Warning", `299 tresor "`+w+`"`)
	}
	if x.level() != archive.LevelInstance {
		o, err := x.negotiate(pictureOffers(true, false)...)
		if err != nil {
			return err
		}
		return x.renderAll(l, o.typ)
	}
	r, err := x.access()
	if err != nil {
		return err
	}
	return x.renderInstance(r, l, frames)
}

// renderInstance answers one instance, or frames of it, in the media types of
// its category (PS3.18 section 8.7.2).
func (x *exchange) renderInstance(r *archive.Retrieval, l *look, frames []int) error {
	if e := &r.Entries[0]; frames == nil && isReport(e.SOPClass) {
		return x.serveReport(r, e)
	} else if frames == nil && e.SOPClass == dict.UIDEncapsulatedPDFStorage {
		return x.serveDocument(r, e)
	}
	o, err := x.negotiate(pictureOffers(true, len(frames) < 2)...)
	if err != nil {
		return err
	}
	if o.multipart {
		return x.renderParts(r, http.StatusOK, l, o.typ, frames)
	}
	return x.depict(r, &r.Entries[0], l, true, func(s *subject, l *look) error {
		if frames == nil && o.typ == typeGIF && len(s.frames) > 1 {
			return x.oneAnimation(s, l)
		}
		n := s.frames[0]
		if frames != nil {
			n = frames[0]
		}
		return x.onePicture(s, n, l, o.typ)
	})
}

// depict calls do with the entry prepared for pictures, or, if it is a
// presentation state, with each image that it refers to or with the first.
func (x *exchange) depict(r *archive.Retrieval, e *archive.Entry, l *look, first bool, do func(*subject, *look) error) error {
	s, err := x.open(r, e)
	if err != nil {
		return err
	}
	defer s.Close()
	if isPresentationState(e.SOPClass) {
		return x.depictState(s, l, first, do)
	}
	subject, err := x.subjectOf(s, nil)
	if err != nil {
		return err
	}
	return do(subject, l)
}

// onePicture answers frame n.
func (x *exchange) onePicture(s *subject, n int, l *look, typ string) error {
	tag := s.tag(l, typ, n)
	if x.unchanged(tag) {
		return nil
	}
	b, err := x.rendered(s, n, l, typ)
	if err != nil {
		return err
	}
	return x.servePicture(typ, tag, b)
}

func (x *exchange) oneAnimation(s *subject, l *look) error {
	tag := s.tag(l, typeGIF, 0)
	if x.unchanged(tag) {
		return nil
	}
	if len(s.frames) > maxPictures {
		return errTooManyPictures
	}
	done, err := x.turn()
	if err != nil {
		return err
	}
	defer done()
	var b bytes.Buffer
	if err := x.animate(&b, s, l); err != nil {
		return err
	}
	return x.servePicture(typeGIF, tag, b.Bytes())
}

// rendered makes a picture in a media type.
func (x *exchange) rendered(s *subject, n int, l *look, typ string) ([]byte, error) {
	if n > s.pixels.Frames {
		return nil, &problem{Status: http.StatusNotFound, Title: "the instance does not have that frame"}
	}
	done, err := x.turn()
	if err != nil {
		return nil, err
	}
	defer done()
	p, err := x.picture(s, n, l)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	var profile []byte
	if _, gray := p.(*image.Gray); l.profile && !gray {
		profile = pixel.Profile(s.header)
	}
	err = encodePicture(&b, p, typ, l.quality, profile)
	return b.Bytes(), err
}

// turn waits until a picture may be made: as many at once as there are
// processors, since each takes one and the memory of a frame.
func (x *exchange) turn() (done func(), err error) {
	select {
	case x.service.turns <- struct{}{}:
		return func() { <-x.service.turns }, nil
	case <-x.ctx().Done():
		return nil, x.ctx().Err()
	}
}

// tag is the entity tag of a picture of frame n: what it is made of and how.
func (s *subject) tag(l *look, typ string, n int) string {
	h := sha256.New()
	h.Write(s.entry.SHA256[:])
	fmt.Fprintf(h, "%s %d %s", typ, n, l.key())
	if s.state != nil {
		h.Write(s.state.sum[:])
	}
	return `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
}

// key tells looks apart.
func (l *look) key() string {
	k := fmt.Sprint(l.columns, l.rows, l.quality, l.patient, l.technique, l.profile, l.forThumbnail)
	if l.window != nil {
		k += fmt.Sprint(*l.window)
	}
	if l.source != nil {
		k += fmt.Sprint(*l.source)
	}
	if l.part != nil {
		k += fmt.Sprint(*l.part)
	}
	return k
}

// renderAll answers every picture of the resource in a part of its own. What has
// no picture is left out, and the status says so (PS3.18 section 10.4.3.1).
func (x *exchange) renderAll(l *look, typ string) error {
	status := http.StatusOK
	r, err := nonEmpty(x.session.AccessSome(x.ctx(), x.query(), func(all []archive.Entry) []archive.Entry {
		images := slices.DeleteFunc(slices.Clone(all), func(e archive.Entry) bool { return !depicts(&e) })
		if len(images) == 0 {
			return all[:min(1, len(all))] // to tell why there is no picture
		}
		if len(images) < len(all) {
			status = http.StatusPartialContent
		}
		return images
	}))
	if err != nil {
		return err
	}
	return x.renderParts(r, status, l, typ, nil)
}

// renderParts writes the pictures of instances, or frames of one.
func (x *exchange) renderParts(r *archive.Retrieval, status int, l *look, typ string, frames []int) error {
	if len(r.Entries) > maxPictures {
		return errTooManyPictures
	}
	p := x.multipart(typ)
	p.status = status
	count := 0
	for i := range r.Entries {
		if err := x.renderEntry(p, r, &r.Entries[i], l, typ, frames, &count); err != nil {
			return err
		}
	}
	return p.end()
}

func (x *exchange) renderEntry(p *parts, r *archive.Retrieval, e *archive.Entry, l *look, typ string, frames []int, count *int) error {
	return x.depict(r, e, l, false, func(s *subject, l *look) error {
		numbers := frames
		if frames == nil {
			numbers = s.frames
		}
		if *count += len(numbers); *count > maxPictures {
			return errTooManyPictures
		}
		for _, n := range numbers {
			b, err := x.rendered(s, n, l, typ)
			if err != nil {
				return err
			}
			e := s.entry
			w, err := p.next(typ, "", x.resource(e.Study, e.Series, e.Instance)+fmt.Sprintf("/frames/%d/rendered", n))
			if err != nil {
				return err
			}
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		return nil
	})
}

// unchanged answers that the client has the resource already, if it has
// (RFC 9110 section 13.1.2), before it is made.
func (x *exchange) unchanged(tag string) bool {
	if !matches(x.Header.Values("If-None-Match"), tag) {
		return false
	}
	x.w.Header().Set("ETag", tag)
	x.w.WriteHeader(http.StatusNotModified)
	return true
}

// servePicture answers a picture that is made, which a page may show.
func (x *exchange) servePicture(typ, tag string, b []byte) error {
	h := x.w.Header()
	h.Set("Content-Type", typ)
	h.Set("ETag", tag)
	http.ServeContent(x.w, x.Request, "", time.Time{}, bytes.NewReader(b))
	return nil
}

// depicts reports whether an instance has pixels that a picture can be made of,
// by its SOP class and transfer syntax.
func depicts(e *archive.Entry) bool {
	name := dict.UIDName(e.SOPClass)
	image := strings.Contains(name, "Image Storage") || strings.Contains(name, "Segmentation Storage") ||
		e.SOPClass == dict.UIDRTDoseStorage || e.SOPClass == dict.UIDParametricMapStorage
	ts, known := encoding.Lookup(e.TransferSyntax)
	return image && known && (!ts.Encapsulated || decodes(ts.UID))
}
