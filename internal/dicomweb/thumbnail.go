package dicomweb

import (
	"net/http"
	"strings"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

var thumbnailRoutes = []Route{
	{http.MethodGet, studyPath + "/thumbnail", "Retrieve Study Thumbnail", "PS3.18 section 10.4.1.1.4", thumbnailForm, serveThumbnail},
	{http.MethodGet, seriesPath + "/thumbnail", "Retrieve Series Thumbnail", "PS3.18 section 10.4.1.1.4", thumbnailForm, serveThumbnail},
	{http.MethodGet, instancePath + "/thumbnail", "Retrieve Instance Thumbnail", "PS3.18 section 10.4.1.1.4", thumbnailForm, serveThumbnail},
	{http.MethodGet, instancePath + "/frames/{frames}/thumbnail", "Retrieve Frame Thumbnail", "PS3.18 section 10.4.1.1.4", thumbnailForm, serveThumbnail},
}

var thumbnailForm = &Form{
	Answers: []string{typeJPEG, typePNG, typeGIF},
	Query:   []Parameter{acceptParameter, {Name: "viewport", Doc: "vw,vh up to 512,512 (PS3.18 section 8.3.5.2)"}},
}

const (
	// thumbnailSize is the box of a thumbnail if the request names none.
	thumbnailSize = 128
	// maxThumbnail bounds the box that it may name.
	maxThumbnail = 512
)

// serveThumbnail answers one small picture: of a study or a series that of the
// instance that stands for it, of an instance its first frame. It has neither
// overlays nor annotations, which could say who the patient is.
func serveThumbnail(x *exchange) error {
	l, err := parseThumbnail(x.URL.Query())
	if err != nil {
		return err
	}
	if l.columns > maxThumbnail || l.rows > maxThumbnail {
		return bad("a thumbnail is no larger than 512 by 512")
	}
	n := 0
	if list, given := x.path["frames"]; given {
		frames, err := parseFrames(list)
		if err != nil {
			return err
		}
		n = frames[0]
	}
	o, err := x.negotiate(pictureOffers(false, true)...)
	if err != nil {
		return err
	}
	r, err := nonEmpty(x.session.AccessSome(x.ctx(), x.query(), representative))
	if err != nil {
		return err
	}
	return x.thumbnail(r, l, n, o.typ)
}

// thumbnail answers that of the retrieved instance, from memory if it was made
// before: whether the client may see the instance has been asked already.
func (x *exchange) thumbnail(r *archive.Retrieval, l *look, n int, typ string) error {
	e := &r.Entries[0]
	plain := &subject{stored: &stored{entry: e}}
	tag := plain.tag(l, typ, n)
	if x.unchanged(tag) {
		return nil
	}
	cache := &x.service.thumbs
	if b := cache.get(tag); b != nil {
		return x.servePicture(typ, tag, b)
	}
	return x.depict(r, e, l, true, func(s *subject, l *look) error {
		if n == 0 {
			n = s.frames[0]
		}
		if s.mayIdentify() {
			l.columns, l.rows = min(l.columns, illegible), min(l.rows, illegible)
		}
		b, err := x.rendered(s, n, l, typ)
		if err != nil {
			return err
		}
		cache.put(tag, b)
		return x.servePicture(typ, tag, b)
	})
}

// representative returns the instance that stands for those of a resource: of
// the series with most images the middle one, in order of instance number. If
// there are no images it is the first instance, of which it will be said that
// there is no picture.
func representative(all []archive.Entry) []archive.Entry {
	of := map[dicom.UID][]archive.Entry{}
	var best dicom.UID
	for _, e := range all {
		if !depicts(&e) {
			continue
		}
		of[e.Series] = append(of[e.Series], e)
	}
	for _, e := range all { // in their order, so that the choice does not change
		if len(of[e.Series]) > len(of[best]) {
			best = e.Series
		}
	}
	if images := of[best]; len(images) > 0 {
		middle := (len(images) - 1) / 2
		return images[middle : middle+1]
	}
	return all[:min(1, len(all))]
}

// illegible is the box of a thumbnail in which text that is burned into the
// pixels cannot be read: a letter of it is less than a pixel.
const illegible = 32

// mayIdentify reports whether text that says who the patient is may be burned
// into the pixels: the image says so, or says nothing and is of a kind that
// often has it.
func (s *subject) mayIdentify() bool {
	switch s.header.String(dict.BurnedInAnnotation) {
	case "YES":
		return true
	case "NO":
		return false
	}
	modality := s.header.String(dict.Modality)
	return modality == "US" || modality == "OT" || strings.Contains(dict.UIDName(s.entry.SOPClass), "Secondary Capture")
}

// thumbnailCache remembers thumbnails by their entity tags. What is in it
// depends on the instance alone, never on who asks; nobody reaches it before
// the archive has permitted the access.
type thumbnailCache struct {
	mu        sync.Mutex
	young     map[string][]byte
	old       map[string][]byte // goes when young is full; what is still asked for becomes young again
	youngSize int
}

// maxThumbnails is the size of a generation of the cache, in bytes.
const maxThumbnails = 16 << 20

func (c *thumbnailCache) get(tag string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.young[tag]; b != nil {
		return b
	}
	b := c.old[tag]
	if b != nil {
		c.add(tag, b)
	}
	return b
}

func (c *thumbnailCache) put(tag string, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(tag, b)
}

func (c *thumbnailCache) add(tag string, b []byte) {
	if len(b) > maxThumbnails/16 {
		return
	}
	if c.young == nil || c.youngSize+len(b) > maxThumbnails {
		c.old, c.young, c.youngSize = c.young, map[string][]byte{}, 0
	}
	if c.young[tag] == nil {
		c.youngSize += len(b)
		c.young[tag] = b
	}
}
