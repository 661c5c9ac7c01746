package web

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var studyRoutes = []Route{
	{Method: http.MethodGet, Path: "/studies/{study}", Right: policy.Find, serve: serveStudy},
}

// studyPage is a study with its series and the patient's other studies.
type studyPage struct {
	studyRow
	SeriesList []seriesRow
	Years      []year // the patient's studies, this one among them
	Priors     int    // how many others there are
	MayGet     bool
	MayLend    bool
}

// seriesRow is one series of a study.
type seriesRow struct {
	UID, Modality, Number, Description, BodyPart, Instances string
}

// year is a year of the patient's time line.
type year struct {
	Year    string // "" if the date is not known
	Studies []prior
}

// prior is a study on the time line.
type prior struct {
	studyRow
	Here bool // the one that the page is about
}

var seriesAttributes = []dicom.Tag{dict.SeriesInstanceUID, dict.Modality, dict.SeriesNumber, dict.SeriesDescription,
	dict.BodyPartExamined, dict.NumberOfSeriesRelatedInstances}

const (
	maxSeries = 500 // on one page
	maxPriors = 300
)

// serveStudy shows one study.
func serveStudy(x *exchange) error {
	uid := dicom.UID(x.path["study"])
	if !uid.Tolerable() {
		return errAbsent
	}
	rows, err := x.studies(dict.StudyInstanceUID, string(uid), 1)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return archive.ErrNotFound
	}
	body := &studyPage{studyRow: rows[0], MayGet: policy.May(x.visitor.principal(), policy.Get).Allowed,
		MayLend: policy.May(x.visitor.principal(), policy.Lend).Allowed}
	if body.SeriesList, err = x.series(uid); err != nil {
		return err
	}
	all := rows
	if body.Patient.ID != "" {
		if all, err = x.studies(dict.PatientID, body.Patient.ID, maxPriors); err != nil {
			return err
		}
	}
	body.Years, body.Priors = timeLine(all, string(uid))
	x.render(http.StatusOK, "study", page{Title: "study.title", Script: "study.js", Body: body})
	return nil
}

// studies finds the studies that have exactly one value of an attribute.
func (x *exchange) studies(tag dicom.Tag, value string, limit int) ([]studyRow, error) {
	keys := asking(studyAttributes)
	keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag), Data: []byte(value)})
	var rows []studyRow
	for ds, err := range x.session().Find(x.Context(), archive.Query{Level: archive.LevelStudy, Keys: keys, Limit: limit, Latest: true, Target: x.URL.RequestURI()}) {
		if err != nil {
			return nil, err
		}
		// A value with a wild card in it would match others too.
		if ds.String(tag) == value {
			rows = append(rows, rowOf(ds))
		}
	}
	return rows, nil
}

// series finds the series of a study in the order of their numbers.
func (x *exchange) series(study dicom.UID) ([]seriesRow, error) {
	keys := asking(seriesAttributes)
	keys.PutUID(dict.StudyInstanceUID, study)
	type numbered struct {
		seriesRow
		number int64
	}
	var list []numbered
	for ds, err := range x.session().Find(x.Context(), archive.Query{Level: archive.LevelSeries, Keys: keys, Limit: maxSeries, Target: x.URL.RequestURI()}) {
		if err != nil {
			return nil, err
		}
		n := numbered{seriesRow: seriesRow{UID: string(ds.UID(dict.SeriesInstanceUID)), Modality: ds.String(dict.Modality),
			Number: ds.String(dict.SeriesNumber), Description: ds.String(dict.SeriesDescription),
			BodyPart: ds.String(dict.BodyPartExamined), Instances: ds.String(dict.NumberOfSeriesRelatedInstances)}}
		n.number, _ = ds.Int(dict.SeriesNumber) // without a number it is the first
		list = append(list, n)
	}
	slices.SortStableFunc(list, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	rows := make([]seriesRow, len(list))
	for i := range list {
		rows[i] = list[i].seriesRow
	}
	return rows, nil
}

// timeLine sorts a patient's studies by their dates, the latest first, into years.
func timeLine(all []studyRow, here string) (years []year, priors int) {
	slices.SortStableFunc(all, func(a, b studyRow) int {
		return cmp.Or(cmp.Compare(b.Date, a.Date), cmp.Compare(b.Time, a.Time))
	})
	for _, s := range all {
		name := ""
		if len(s.Date) >= 4 {
			name = s.Date[:4]
		}
		if len(years) == 0 || years[len(years)-1].Year != name {
			years = append(years, year{Year: name})
		}
		at := &years[len(years)-1]
		at.Studies = append(at.Studies, prior{s, s.UID == here})
		if s.UID != here {
			priors++
		}
	}
	return years, priors
}
