package dicomweb

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom/pixel"
)

// look is how a rendered picture is to look (PS3.18 section 8.3.5).
type look struct {
	window        *pixel.Window
	columns, rows int           // of the viewport; 0 if there is none
	source        *source       // of the viewport; nil is all of the image
	part          *pixel.Region // the same in fractions
	quality       int           // 0 is the default
	patient       bool          // annotate with who it is
	technique     bool          // annotate with how it was made
	profile       bool          // with the ICC profile of the instance, if it has one
	warnings      []string
	forThumbnail  bool // what identifies the patient stays away
}

// source is the part of an image that the viewport shows: its corner and its
// size in pixels, negative to mirror it, 0 to the edge.
type source struct{ x, y, w, h float64 }

// maxViewport bounds both sides of a viewport.
const maxViewport = 8192

// parseLook reads the query parameters of a rendered resource.
func parseLook(q url.Values) (*look, error) {
	l := new(look)
	for _, p := range []struct {
		name string
		read func(string) error
	}{
		{"window", l.readWindow}, {"viewport", l.readViewport}, {"quality", l.readQuality},
		{"annotation", l.readAnnotation}, {"iccprofile", l.readProfile},
	} {
		values, given := q[p.name]
		if !given {
			continue
		}
		if len(values) != 1 {
			return nil, bad("the query has a parameter twice")
		}
		if err := p.read(values[0]); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// parseThumbnail reads the query parameters of a thumbnail: those that it does
// not have are passed over (PS3.18 section 8.3.5.2).
func parseThumbnail(q url.Values) (*look, error) {
	l := &look{forThumbnail: true, columns: thumbnailSize, rows: thumbnailSize}
	if v, given := q["viewport"]; given {
		if len(v) != 1 || strings.Count(v[0], ",") != 1 {
			return nil, bad("viewport of a thumbnail is vw,vh")
		}
		return l, l.readViewport(v[0])
	}
	return l, nil
}

// functions are the VOI LUT functions as the query names them.
var functions = map[string]string{"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}

// readWindow reads center,width,function (PS3.18 section 8.3.5.1.4).
func (l *look) readWindow(s string) error {
	const title = "window is center,width,function with linear, linear-exact or sigmoid"
	f := strings.Split(s, ",")
	if len(f) != 3 {
		return bad(title)
	}
	center, ok := decimal(f[0])
	width, ok2 := decimal(f[1])
	function := functions[f[2]]
	if !ok || !ok2 || function == "" {
		return bad(title)
	}
	return l.setWindow(center, width, function)
}

func (l *look) setWindow(center, width float64, function string) error {
	if !(width > 0) || width < 1 && function == "LINEAR" {
		return bad("the width of the window is one that its function does not have")
	}
	l.window = &pixel.Window{Center: center, Width: width, Function: function}
	return nil
}

// readViewport reads vw,vh[,sx,sy,sw,sh] (PS3.18 section 8.3.5.1.3).
func (l *look) readViewport(s string) error {
	wrong := bad("viewport is vw,vh or vw,vh,sx,sy,sw,sh, vw and vh from 1 to " + strconv.Itoa(maxViewport))
	f := strings.Split(s, ",")
	if len(f) < 2 || len(f) > 6 {
		return wrong
	}
	for i, to := range []*int{&l.columns, &l.rows} {
		n, err := strconv.ParseUint(f[i], 10, 31)
		if err != nil || n == 0 || n > maxViewport {
			return wrong
		}
		*to = int(n)
	}
	if len(f) == 2 {
		return nil
	}
	part := new(source)
	for i, to := range []*float64{&part.x, &part.y, &part.w, &part.h} {
		if 2+i >= len(f) || f[2+i] == "" {
			continue
		}
		v, ok := decimal(f[2+i])
		if !ok || i >= 2 && v == 0 {
			return wrong
		}
		*to = v
	}
	part.x, part.y = math.Abs(part.x), math.Abs(part.y)
	l.source = part
	return nil
}

// readQuality reads a number from 1 to 100 (PS3.18 section 8.3.5.1.2).
func (l *look) readQuality(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n < 1 || n > 100 {
		return bad("quality is a number from 1 to 100")
	}
	l.quality = int(n)
	return nil
}

// readAnnotation reads a list of keywords (PS3.18 section 8.3.5.1.1).
func (l *look) readAnnotation(s string) error {
	for word := range strings.SplitSeq(s, ",") {
		switch word {
		case "patient":
			l.patient = true
		case "technique":
			l.technique = true
		default:
			return bad("annotation is a list of patient and technique")
		}
	}
	return nil
}

// readProfile reads whether an ICC profile is wanted (PS3.18 section 8.3.5.1.5).
// Colours are never converted into another space.
func (l *look) readProfile(s string) error {
	if !slices.Contains([]string{"no", "yes", "srgb", "adobergb", "rommrgb"}, s) {
		return bad("iccprofile is no, yes, srgb, adobergb or rommrgb")
	}
	if l.profile = s == "yes"; s != "no" && s != "yes" {
		l.warnings = append(l.warnings, "The following iccprofile values are not supported: "+s)
	}
	return nil
}

// region returns the part of an image of a size that the viewport shows.
func (l *look) region(o *pixel.RenderOptions, columns, rows int) error {
	p := l.source
	if p == nil {
		o.Region = l.part
		return nil
	}
	w, h := math.Abs(p.w), math.Abs(p.h)
	if p.w == 0 {
		w = float64(columns) - p.x
	}
	if p.h == 0 {
		h = float64(rows) - p.y
	}
	if p.x >= float64(columns) || p.y >= float64(rows) || w <= 0 || h <= 0 {
		return bad("the viewport shows nothing of the image")
	}
	o.Region = &pixel.Region{Left: p.x / float64(columns), Top: p.y / float64(rows),
		Right: (p.x + w) / float64(columns), Bottom: (p.y + h) / float64(rows)}
	o.FlipColumns, o.FlipRows = p.w < 0, p.h < 0
	return nil
}

// options are the look for the renderer.
func (l *look) options(columns, rows int) (pixel.RenderOptions, error) {
	o := pixel.RenderOptions{Window: l.window, NoOverlays: l.forThumbnail,
		FitColumns: l.columns, FitRows: l.rows, Enlarge: l.columns > 0 && !l.forThumbnail}
	return o, l.region(&o, columns, rows)
}

// decimal reads a finite number.
func decimal(s string) (float64, bool) {
	if strings.ContainsAny(s, "xXpPnN_") { // hexadecimal, NaN, Inf
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsInf(v, 0)
}
