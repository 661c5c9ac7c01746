package dicomweb

import (
	"image"
	"image/color"
	"image/draw"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// annotate burns what the request asked for into a picture (PS3.18 section
// 8.3.5.1.1): who it is in the upper left corner, how it was made in the lower
// left one. A thumbnail never has any.
func annotate(p image.Image, s *subject, n int, l *look) image.Image {
	if l.forThumbnail || !l.patient && !l.technique {
		return p
	}
	out, ok := p.(draw.Image)
	if !ok {
		return p
	}
	face := faceFor(p.Bounds().Dy())
	if face == nil {
		return p
	}
	if l.patient {
		write(out, face, patientLines(s.header), false)
	}
	if l.technique {
		write(out, face, techniqueLines(s.header, n, s.pixels.Frames), true)
	}
	return out
}

var typeface = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil // the font is part of the program: a test has seen it
	}
	return f
})

// faceFor returns letters in proportion to the picture, but such that can be read.
func faceFor(height int) font.Face {
	f := typeface()
	if f == nil {
		return nil
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: float64(min(max(height/40, 10), 48)), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil
	}
	return face
}

// write writes lines from the top down, or up to the bottom, white with a black
// shadow.
func write(out draw.Image, face font.Face, lines []string, bottom bool) {
	m := face.Metrics()
	step := m.Height.Ceil()
	y := m.Ascent.Ceil() + 2
	if bottom {
		y = out.Bounds().Dy() - 2 - m.Descent.Ceil() - step*(len(lines)-1)
	}
	for i, line := range lines {
		for _, shade := range []struct {
			by int
			c  color.Color
		}{{1, color.Black}, {0, color.White}} {
			d := font.Drawer{Dst: out, Src: image.NewUniform(shade.c), Face: face,
				Dot: fixed.P(4+shade.by, y+i*step+shade.by)}
			d.DrawString(line)
		}
	}
}

// maxLine bounds a line of an annotation, in characters.
const maxLine = 64

// lineOf joins what is not empty.
func lineOf(values ...string) string {
	var list []string
	for _, v := range values {
		if v = strings.TrimSpace(strings.Map(printable, v)); v != "" {
			list = append(list, v)
		}
	}
	line := []rune(strings.Join(list, "  "))
	return string(line[:min(len(line), maxLine)])
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7F {
		return ' '
	}
	return r
}

func notEmpty(lines ...string) (list []string) {
	for _, l := range lines {
		if l != "" {
			list = append(list, l)
		}
	}
	return list
}

func patientLines(ds *dicom.DataSet) []string {
	name, _, _ := strings.Cut(ds.String(dict.PatientName), "=") // the font has the letters of the first group
	family, given, _ := strings.Cut(name, "^")
	given = strings.TrimRight(strings.ReplaceAll(given, "^", " "), " ")
	if given != "" {
		family += ", " + given
	}
	return notEmpty(lineOf(family), lineOf(ds.String(dict.PatientID)), lineOf(date(ds.String(dict.PatientBirthDate)), ds.String(dict.PatientSex)))
}

func techniqueLines(ds *dicom.DataSet, n, frames int) []string {
	number := ""
	if v := ds.String(dict.InstanceNumber); v != "" {
		number = "Im " + v
	}
	if v := ds.String(dict.SeriesNumber); v != "" {
		number = lineOf("Se "+v, number)
	}
	if frames > 1 {
		number = lineOf(number, "Fr "+strconv.Itoa(n)+"/"+strconv.Itoa(frames))
	}
	location := ""
	if v := ds.String(dict.SliceLocation); v != "" {
		location = "Loc " + v
	}
	return notEmpty(lineOf(date(ds.String(dict.StudyDate)), ds.String(dict.Modality)),
		lineOf(ds.String(dict.SeriesDescription)), lineOf(number, location))
}

// date writes a date of the form YYYYMMDD so that it can be read.
func date(s string) string {
	if len(s) != 8 {
		return s
	}
	return s[:4] + "-" + s[4:6] + "-" + s[6:]
}
