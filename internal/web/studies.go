package web

import (
	"context"
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var studiesRoutes = []Route{
	{Method: http.MethodGet, Path: "/", serve: serveHome},
	{Method: http.MethodGet, Path: "/studies/list", Right: policy.Find, serve: serveStudyRows},
}

const (
	// pageSize is how many studies a page of the list has.
	pageSize = 50
	// searchTime is how long a search may look through studies.
	searchTime = 4 * time.Second
)

// modalities are those offered in the list's filter (PS3.3 section C.7.3.1.1.1);
// any other can be searched for in the address.
var modalities = []string{"CT", "MR", "CR", "DX", "MG", "US", "XA", "RF", "NM", "PT", "ES", "OT", "SR", "RTSTRUCT", "SEG"}

// studyRow is one study as a list shows it.
type studyRow struct {
	UID, Date, Time, Accession, Description, Referring, Series, Instances string

	Modalities []string
	Patient    patient
}

// patient is whose study it is.
type patient struct{ Name, ID, Birth, Sex string }

func rowOf(ds *dicom.DataSet) studyRow {
	return studyRow{UID: string(ds.UID(dict.StudyInstanceUID)), Date: ds.String(dict.StudyDate), Time: ds.String(dict.StudyTime),
		Accession: ds.String(dict.AccessionNumber), Description: ds.String(dict.StudyDescription),
		Referring: listName(ds.PersonName(dict.ReferringPhysicianName)), Modalities: ds.Strings(dict.ModalitiesInStudy),
		Series: ds.String(dict.NumberOfStudyRelatedSeries), Instances: ds.String(dict.NumberOfStudyRelatedInstances),
		Patient: patient{Name: listName(ds.PersonName(dict.PatientName)), ID: ds.String(dict.PatientID),
			Birth: ds.String(dict.PatientBirthDate), Sex: ds.String(dict.PatientSex)}}
}

// listName writes a name as lists sort it: family name first.
func listName(n dicom.PersonName) string {
	g := n.Alphabetic
	name := g.Family
	for _, part := range []string{g.Given, g.Middle} {
		switch {
		case part == "":
		case name == "":
			name = part
		case name == g.Family:
			name += ", " + part
		default:
			name += " " + part
		}
	}
	switch own := n.Ideographic.Family + n.Ideographic.Given; {
	case name == "":
		return n.Display()
	case own != "":
		return name + " (" + own + ")"
	}
	return name
}

// studyList is the study list or its changing part.
type studyList struct {
	Filter         studyFilter
	Rows           []studyRow
	Modalities     []string
	First, Last    int    // numbers of the rows
	Earlier, Later string // URLs of the pages around it
	Quick          []quick
	Broken         bool // the search took too long
	MayStore       bool
	MayGet         bool
}

// quick is a date range that one click chooses.
type quick struct {
	Text, URL string
	Current   bool
}

// quicks offers ranges of dates that end today, with the rest of the filter.
func (f studyFilter) quicks(now time.Time) []quick {
	var list []quick
	today := now.Format(time.DateOnly)
	for _, c := range []struct {
		text string
		days int
	}{{"quick.today", 0}, {"quick.week", 6}, {"quick.month", 29}, {"quick.all", -1}} {
		g := f
		g.From, g.To = "", ""
		if c.days >= 0 {
			g.From = now.AddDate(0, 0, -c.days).Format(time.DateOnly)
			if c.days == 0 {
				g.To = today
			}
		}
		list = append(list, quick{c.text, g.page(0), g.From == f.From && g.To == f.To})
	}
	return list
}

// serveHome shows what the visitor is here for.
func serveHome(x *exchange) error {
	p := x.visitor.principal()
	if !policy.May(p, policy.Find).Allowed {
		if m := x.menu(); len(m) > 0 && x.URL.RawQuery == "" {
			http.Redirect(x.w, x.Request, m[0].Path, http.StatusSeeOther)
			return nil
		}
		x.render(http.StatusOK, "home", page{Title: "home.title"})
		return nil
	}
	list, err := x.search(filterOf(x.URL.Query()))
	if err != nil {
		return err
	}
	x.render(http.StatusOK, "studies", page{Title: "studies.title", Script: "studies.js", Body: list})
	return nil
}

// serveStudyRows answers the list's changing part for its script.
func serveStudyRows(x *exchange) error {
	list, err := x.search(filterOf(x.URL.Query()))
	if err != nil {
		return err
	}
	x.renderPart(http.StatusOK, "studies", "results", list)
	return nil
}

// search finds one page of studies. It counts nothing: one row more than the page
// has tells whether there is another page.
func (x *exchange) search(f studyFilter) (*studyList, error) {
	p := x.visitor.principal()
	list := &studyList{Filter: f, Modalities: modalities, First: f.Offset + 1, Quick: f.quicks(time.Now()),
		MayStore: policy.May(p, policy.Store).Allowed, MayGet: policy.May(p, policy.Get).Allowed}
	ctx, cancel := context.WithTimeout(x.Context(), searchTime)
	defer cancel()
	q, skip := f.query(x.URL.RequestURI()), 0
	if f.Description == "" {
		q.Offset, q.Limit = f.Offset, pageSize+1
	} else {
		skip = f.Offset
	}
	for ds, err := range x.session().Find(ctx, q) {
		if err != nil && ctx.Err() != nil && x.Context().Err() == nil {
			list.Broken = true
			break
		}
		if err != nil {
			return nil, err
		}
		if f.Description != "" && !f.describes(ds.String(dict.StudyDescription)) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		list.Rows = append(list.Rows, rowOf(ds))
		if len(list.Rows) > pageSize {
			break
		}
	}
	list.cut()
	return list, nil
}

// cut leaves the row out that only told that there are more.
func (l *studyList) cut() {
	if len(l.Rows) > pageSize {
		l.Rows = l.Rows[:pageSize]
		l.Later = l.Filter.page(l.Filter.Offset + pageSize)
	}
	if l.Filter.Offset > 0 {
		l.Earlier = l.Filter.page(max(l.Filter.Offset-pageSize, 0))
	}
	l.Last = l.Filter.Offset + len(l.Rows)
}
