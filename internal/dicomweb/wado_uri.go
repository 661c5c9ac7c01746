package dicomweb

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// The URI Service, whose resource the query names (PS3.18 chapter 9).
var uriRoutes = []Route{
	{http.MethodGet, "/wado", "Retrieve Instance by URI", "PS3.18 section 9.4", uriForm, serveURI},
}

var uriForm = &Form{
	Answers: []string{typeJPEG, typePNG, typeGIF, typeDICOM},
	Query: []Parameter{
		{Name: "requestType", Doc: "WADO", Required: true},
		{Name: "studyUID", Doc: "Study Instance UID", Required: true},
		{Name: "seriesUID", Doc: "Series Instance UID", Required: true},
		{Name: "objectUID", Doc: "SOP Instance UID", Required: true},
		{Name: "contentType", Doc: "acceptable media types (PS3.18 section 9.1.2.2.1)", Many: true},
		{Name: "transferSyntax", Doc: "of a file (PS3.18 section 9.4.1.2.3)"},
		{Name: "frameNumber", Doc: "from 1 (PS3.18 section 9.5.1.2.1)"},
		{Name: "rows", Doc: "of the viewport (PS3.18 section 9.5.1.2.4)"},
		{Name: "columns", Doc: "of the viewport (PS3.18 section 9.5.1.2.4)"},
		{Name: "region", Doc: "xmin,ymin,xmax,ymax (PS3.18 section 9.5.1.2.5)"},
		{Name: "windowCenter", Doc: "PS3.18 section 9.5.1.2.6"},
		{Name: "windowWidth", Doc: "PS3.18 section 9.5.1.2.6"},
		{Name: "imageQuality", Doc: "1 to 100 (PS3.18 section 9.5.1.2.3)"},
		{Name: "annotation", Doc: "patient, technique (PS3.18 section 9.5.1.2.2)", Many: true},
		{Name: "presentationSeriesUID", Doc: "PS3.18 section 9.5.1.2.7"},
		{Name: "presentationUID", Doc: "PS3.18 section 9.5.1.2.7"},
	},
}

// uriRequest is the query of a request.
type uriRequest struct {
	url.Values
	media  []mediaRange
	chosen *offer
}

// uriOnce are the parameters that are given once at most.
var uriOnce = []string{
	"requestType", "studyUID", "seriesUID", "objectUID", "anonymize", "transferSyntax", "frameNumber", "rows", "columns",
	"region", "windowCenter", "windowWidth", "imageQuality", "presentationSeriesUID", "presentationUID",
}

// serveURI answers an instance as a file or as a picture.
func serveURI(x *exchange) error {
	q := &uriRequest{Values: x.URL.Query()}
	if err := q.check(); err != nil {
		return err
	}
	x.path = map[string]string{"study": q.Get("studyUID"), "series": q.Get("seriesUID"), "instance": q.Get("objectUID")}
	if err := checkUIDs(x.path); err != nil {
		return bad("studyUID, seriesUID and objectUID are UIDs")
	}
	if err := q.negotiate(x); err != nil {
		return err
	}
	if q.chosen.typ == typeDICOM {
		return x.uriFile(q)
	}
	return x.uriPicture(q)
}

// check refuses what no request may have (PS3.18 section 9.4.2).
func (q *uriRequest) check() error {
	for _, name := range uriOnce {
		if len(q.Values[name]) > 1 {
			return bad("the query has a parameter twice")
		}
	}
	switch {
	case q.Get("requestType") != "WADO":
		return bad("requestType is WADO")
	case q.Get("studyUID") == "" || q.Get("seriesUID") == "" || q.Get("objectUID") == "":
		return bad("the query needs studyUID, seriesUID and objectUID")
	case q.Has("anonymize") && q.Get("anonymize") != "yes":
		return bad("anonymize is yes")
	case q.Has("anonymize"):
		return notAcceptable("instances are not anonymized here")
	case q.Has("windowCenter") != q.Has("windowWidth"):
		return bad("windowCenter and windowWidth come together")
	case q.Has("presentationUID") != q.Has("presentationSeriesUID"):
		return bad("presentationSeriesUID and presentationUID come together")
	case q.Has("presentationUID") && q.Has("windowCenter"):
		return bad("a presentation state has a window of its own")
	case q.Has("rows") != q.Has("columns"):
		return bad("rows and columns come together")
	}
	return nil
}

// negotiate chooses the media type: by contentType in place of the Accept
// header. Where nothing is asked for it is image/jpeg (PS3.18 section 9.3).
func (q *uriRequest) negotiate(x *exchange) (err error) {
	lists, given := q.Values["contentType"]
	if !given {
		lists = x.Header.Values("Accept")
	} else if slices.ContainsFunc(lists, func(s string) bool { return strings.Contains(s, ";") }) {
		return bad("contentType has no parameters here")
	}
	if q.media, err = parseRanges(lists); err != nil {
		return err
	}
	offers := append(pictureOffers(false, true), offer{typ: typeDICOM})
	if q.chosen = choose(q.media, offers); q.chosen == nil {
		return notAcceptable("none of the acceptable media types can be had")
	}
	if q.chosen.typ == typeDICOM && q.Has("windowCenter") {
		return bad("a file has no window: windowCenter and windowWidth are for pictures")
	}
	return nil
}

// uriFile answers a file of PS3.10 (PS3.18 section 9.4).
func (x *exchange) uriFile(q *uriRequest) error {
	wanted := dicom.UID(q.Get("transferSyntax"))
	if q.Has("transferSyntax") && !wanted.Tolerable() {
		return bad("transferSyntax is a UID")
	}
	r, err := x.retrieve()
	if err != nil {
		return err
	}
	from, ok := encoding.Lookup(r.Entries[0].TransferSyntax)
	if !ok {
		return encoding.ErrTransferSyntax
	}
	to, err := target(from, wanted)
	if err != nil {
		return err
	}
	s, err := x.open(r, &r.Entries[0])
	if err != nil {
		return err
	}
	defer s.Close()
	return x.serveFile(s, to)
}

// uriPicture answers a picture (PS3.18 section 9.5).
func (x *exchange) uriPicture(q *uriRequest) error {
	l, err := q.look()
	if err != nil {
		return err
	}
	frame, err := q.frame()
	if err != nil {
		return err
	}
	r, err := x.access()
	if err != nil {
		return err
	}
	show := func(s *subject, l *look) error {
		n := s.frames[0]
		if frame > 0 {
			if s.pixels.Frames < 2 || frame > s.pixels.Frames {
				return bad("frameNumber is for an instance of several frames, and no greater than their number")
			}
			n = frame
		}
		return x.onePicture(s, n, l, q.chosen.typ)
	}
	if !q.Has("presentationUID") {
		return x.depict(r, &r.Entries[0], l, true, show)
	}
	st, err := x.stateOf(dicom.UID(q.Get("presentationSeriesUID")), dicom.UID(q.Get("presentationUID")))
	if err != nil {
		return err
	}
	s, err := x.open(r, &r.Entries[0])
	if err != nil {
		return err
	}
	defer s.Close()
	subject, err := x.subjectOf(s, st)
	if err != nil {
		return err
	}
	return show(subject, l)
}

// stateOf reads a presentation state of the study.
func (x *exchange) stateOf(series, instance dicom.UID) (*state, error) {
	if !series.Tolerable() || !instance.Tolerable() {
		return nil, bad("presentationSeriesUID and presentationUID are UIDs")
	}
	keys := instanceKeys(dicom.UID(x.path["study"]), series, instance)
	r, err := nonEmpty(x.session.Access(x.ctx(), archive.Query{Level: archive.LevelInstance, Keys: keys}))
	if err != nil {
		return nil, err
	}
	if !isPresentationState(r.Entries[0].SOPClass) {
		return nil, bad("presentationUID is not that of a softcopy presentation state")
	}
	s, err := x.open(r, &r.Entries[0])
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.state()
}

// look reads the parameters of a picture.
func (q *uriRequest) look() (*look, error) {
	l := new(look)
	if q.Has("windowCenter") {
		center, ok := decimal(q.Get("windowCenter"))
		width, ok2 := decimal(q.Get("windowWidth"))
		if !ok || !ok2 {
			return nil, bad("windowCenter and windowWidth are decimal numbers")
		}
		if err := l.setWindow(center, width, "LINEAR"); err != nil {
			return nil, err
		}
	}
	if q.Has("rows") {
		if err := l.readViewport(q.Get("columns") + "," + q.Get("rows")); err != nil {
			return nil, bad("rows and columns are numbers from 1 to " + strconv.Itoa(maxViewport))
		}
	}
	if q.Has("imageQuality") {
		if err := l.readQuality(q.Get("imageQuality")); err != nil {
			return nil, bad("imageQuality is a number from 1 to 100")
		}
	}
	for _, name := range []string{"annotation", "imageAnnotation"} {
		for _, v := range q.Values[name] {
			if err := l.readAnnotation(v); err != nil {
				return nil, err
			}
		}
	}
	return l, l.readRegion(q.Values)
}

// readRegion reads xmin,ymin,xmax,ymax (PS3.18 section 9.5.1.2.5).
func (l *look) readRegion(q url.Values) error {
	if !q.Has("region") {
		return nil
	}
	wrong := bad("region is xmin,ymin,xmax,ymax from 0.0 to 1.0, the least first")
	f := strings.Split(q.Get("region"), ",")
	if len(f) != 4 {
		return wrong
	}
	var v [4]float64
	for i := range f {
		n, ok := decimal(f[i])
		if !ok || n < 0 || n > 1 {
			return wrong
		}
		v[i] = n
	}
	if v[0] >= v[2] || v[1] >= v[3] {
		return wrong
	}
	l.part = &pixel.Region{Left: v[0], Top: v[1], Right: v[2], Bottom: v[3]}
	return nil
}

// frame reads the number of a frame; 0 if there is none.
func (q *uriRequest) frame() (int, error) {
	if !q.Has("frameNumber") {
		return 0, nil
	}
	n, err := strconv.ParseUint(q.Get("frameNumber"), 10, 31)
	if err != nil || n == 0 {
		return 0, bad("frameNumber is a number from 1 on")
	}
	return int(n), nil
}
