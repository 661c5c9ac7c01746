package export

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/pixel"
	"github.com/tresor-pacs/tresor/internal/archive"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// page is the page beside the files: it shows what there is without a program for it.
type page struct {
	Name, ID, Birth string
	Studies         []*pageStudy
	studies         map[dicom.UID]*pageStudy
	series          map[dicom.UID]*pageSeries
}

type pageStudy struct {
	Date, Description, Accession string
	Series                       []*pageSeries
}

type pageSeries struct {
	Modality, Description string
	Count                 int
	Pictures              []picture
}

type picture struct {
	File   string
	Source template.URL // a data: URI made here
}

const (
	maxPictures    = 24       // of a series on the page
	maxPictureSize = 64 << 20 // bytes of an instance that is rendered
	pictureBox     = 192      // pixels
)

// add enters an instance; read gives its data set if a picture of it is wanted.
func (p *page) add(h *dicom.DataSet, e *archive.Entry, file string, read func() ([]byte, error)) {
	if p.studies == nil {
		p.studies, p.series = map[dicom.UID]*pageStudy{}, map[dicom.UID]*pageSeries{}
		p.Name, p.ID, p.Birth = nameOf(h, dict.PatientName), h.String(dict.PatientID), dateOf(h, dict.PatientBirthDate)
	}
	study := p.studies[e.Study]
	if study == nil {
		study = &pageStudy{Date: dateOf(h, dict.StudyDate), Description: h.String(dict.StudyDescription), Accession: h.String(dict.AccessionNumber)}
		p.studies[e.Study] = study
		p.Studies = append(p.Studies, study)
	}
	series := p.series[e.Series]
	if series == nil {
		series = &pageSeries{Modality: h.String(dict.Modality), Description: h.String(dict.SeriesDescription)}
		p.series[e.Series] = series
		study.Series = append(study.Series, series)
	}
	series.Count++
	if len(series.Pictures) >= maxPictures || e.Length > maxPictureSize || h.Get(dict.Rows) == nil {
		return
	}
	if src, ok := thumbnail(e, read); ok {
		series.Pictures = append(series.Pictures, picture{file, src})
	}
}

// thumbnail renders the first frame; what cannot be rendered has no picture.
func thumbnail(e *archive.Entry, read func() ([]byte, error)) (template.URL, bool) {
	ts, ok := encoding.Lookup(e.TransferSyntax)
	if !ok {
		return "", false
	}
	b, err := read()
	if err != nil {
		return "", false
	}
	ds, err := encoding.Parse(b, ts, encoding.Options{Limits: encoding.DefaultLimits()})
	if err != nil {
		return "", false
	}
	im, err := pixel.Open(ds, ts.UID, pixel.DefaultLimits())
	if err != nil {
		return "", false
	}
	shown, err := im.Render(ds, 0, pixel.RenderOptions{FitColumns: pictureBox, FitRows: pictureBox})
	if err != nil {
		return "", false
	}
	var jpeg bytes.Buffer
	if err := pixel.WriteJPEG(&jpeg, shown, 80, nil); err != nil {
		return "", false
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(jpeg.Bytes())), true
}

func (p *page) render() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p)
	return b.Bytes(), err
}
