package dicomweb

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// The six resources that can be searched (PS3.18 table 10.6.1-1).
var searchRoutes = []Route{
	{http.MethodGet, "/studies", "Search for Studies", "PS3.18 section 10.6", searchForm, search(archive.LevelStudy)},
	{http.MethodGet, studyPath + "/series", "Search for Series of a Study", "PS3.18 section 10.6", searchForm, search(archive.LevelSeries)},
	{http.MethodGet, studyPath + "/instances", "Search for Instances of a Study", "PS3.18 section 10.6", searchForm, search(archive.LevelInstance)},
	{http.MethodGet, seriesPath + "/instances", "Search for Instances of a Series", "PS3.18 section 10.6", searchForm, search(archive.LevelInstance)},
	{http.MethodGet, "/series", "Search for Series", "PS3.18 section 10.6", searchForm, search(archive.LevelSeries)},
	{http.MethodGet, "/instances", "Search for Instances", "PS3.18 section 10.6", searchForm, search(archive.LevelInstance)},
}

var searchForm = &Form{
	Answers: []string{typeJSON, typePlainJSON, partsOf(typeXML)},
	Query: []Parameter{
		acceptParameter,
		{Name: "match", Doc: "keywords or tags, or paths of them with dots, and the values to match (PS3.18 section 8.3.4.1)", Any: true},
		{Name: "includefield", Doc: "attributes, or all (PS3.18 section 8.3.4.3)", Many: true},
		{Name: "fuzzymatching", Doc: "true or false (PS3.18 section 8.3.4.2)"},
		{Name: "emptyvaluematching", Doc: "true or false (PS3.18 section 8.3.4.5)"},
		{Name: "multiplevaluematching", Doc: "true or false (PS3.18 section 8.3.4.6)"},
		{Name: "limit", Doc: "how many results at most (PS3.18 section 8.3.4.4)"},
		{Name: "offset", Doc: "how many results to pass over (PS3.18 section 8.3.4.4)"},
	},
}

const (
	// maxResults is how many results one answer has at most.
	maxResults = 5000
	// maxCounted is how far additional results are counted.
	maxCounted = 200
)

// search answers a search for entities of a level.
func search(level archive.Level) func(*exchange) error {
	return func(x *exchange) error {
		o, err := x.negotiate(offer{typ: typeJSON}, offer{typ: typePlainJSON}, offer{multipart: true, typ: typeXML})
		if err != nil {
			return err
		}
		s, err := x.parseSearch(level)
		if err != nil {
			return err
		}
		found, err := x.page(s)
		if err != nil {
			return err
		}
		for _, warning := range s.warnings {
			x.w.Header().Add("Warning", `299 tresor "`+warning+`"`)
		}
		switch {
		case len(found) == 0:
			x.w.WriteHeader(http.StatusNoContent)
			return nil
		case o.multipart:
			return x.resultsXML(found)
		}
		return x.resultsJSON(o.typ, found)
	}
}

// page returns the page of results that was asked for, and adds a warning if
// there are more.
func (x *exchange) page(s *searching) ([]*dicom.DataSet, error) {
	if s.limit == 0 {
		return nil, nil
	}
	q := s.query
	q.Limit = s.limit + maxCounted
	var found []*dicom.DataSet
	more := 0
	for ds, err := range x.session.Find(x.ctx(), q) {
		if err != nil {
			return nil, err
		}
		if len(found) == s.limit {
			more++
			continue
		}
		x.complete(ds, s)
		found = append(found, ds)
	}
	switch {
	case more == maxCounted:
		s.warn(fmt.Sprintf("There are at least %d additional results that can be requested", more))
	case more > 0:
		s.warn(fmt.Sprintf("There are %d additional results that can be requested", more))
	}
	return found, nil
}

// complete adds what a result has beside the attributes of the catalog, and
// takes out what it has not.
func (x *exchange) complete(ds *dicom.DataSet, s *searching) {
	for _, t := range s.onlyIfKnown {
		if e := ds.Get(t); e != nil && len(e.Data) == 0 && len(e.Items) == 0 {
			ds.Delete(t)
		}
	}
	url := x.resource(ds.UID(dict.StudyInstanceUID), ds.UID(dict.SeriesInstanceUID), ds.UID(dict.SOPInstanceUID))
	ds.Put(dicom.Element{Tag: dict.RetrieveURL, VR: dicom.VRUR, Data: dicom.Pad([]byte(url), dicom.VRUR)})
}

func (x *exchange) resultsJSON(typ string, found []*dicom.DataSet) error {
	b := []byte{'['}
	var err error
	for i, ds := range found {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = encoding.AppendJSON(b, ds, encoding.JSONOptions{Limits: x.service.limits}); err != nil {
			return err
		}
	}
	return x.whole(typ, append(b, ']'))
}

func (x *exchange) resultsXML(found []*dicom.DataSet) error {
	p := x.multipart(typeXML)
	for _, ds := range found {
		w, err := p.next(typeXML, "", "")
		if err != nil {
			return err
		}
		b, err := encoding.AppendXML(nil, ds, encoding.XMLOptions{Limits: x.service.limits})
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return p.end()
}

// warn adds a warning (PS3.18 section 8.3.4), each once.
func (s *searching) warn(text string) {
	for _, w := range s.warnings {
		if w == text {
			return
		}
	}
	s.warnings = append(s.warnings, strings.ReplaceAll(text, `"`, "'"))
}
