package match

import (
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Visible reports whether a series lies within the scope at the time now. A
// study or patient is visible if a series of it is, and then counts of it are
// counts of what is visible. source is the device that sent the series.
func Visible(s policy.Scope, l *Levels, source string, now time.Time) bool {
	r := policy.Resource{
		Institution: l[archive.LevelSeries].Text(dict.InstitutionName),
		Department:  l[archive.LevelSeries].Text(dict.InstitutionalDepartmentName),
		Modality:    l[archive.LevelSeries].Text(dict.Modality),
		Source:      source,
		Patient:     l[archive.LevelPatient].Text(dict.PatientID),
		Study:       l[archive.LevelStudy].Text(dict.StudyInstanceUID),
	}
	if d, err := dicom.ParseDate(l[archive.LevelStudy].Text(dict.StudyDate)); err == nil {
		r.StudyDate = time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
	}
	referring := FoldedNames(l[archive.LevelStudy].Text(dict.ReferringPhysicianName))
	if s.Holds(r, now) {
		return true
	}
	for _, r.Referring = range referring {
		if s.Holds(r, now) {
			return true
		}
	}
	return false
}

// FoldedNames returns the groups of all names in an attribute of VR PN, folded,
// each once.
func FoldedNames(text string) []string {
	var names []string
	for one := range strings.SplitSeq(text, `\`) {
		names = append(names, NameGroups(dicom.FoldName(one))...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// OldestDate returns the first study date, as YYYYMMDD, that the scope's MaxAge
// reaches at the time now.
func OldestDate(maxAge time.Duration, now time.Time) string {
	at := now.Add(-maxAge).UTC()
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	if day.Before(at) {
		day = day.AddDate(0, 0, 1)
	}
	if day.Year() < 0 {
		return ""
	}
	return day.Format("20060102")
}

// Unique returns the values that a query gives for the unique key of a level,
// nil if it has none (PS3.4 section C.4.2.2.1).
func Unique(q archive.Query, level archive.Level) []string {
	if q.Keys == nil {
		return nil
	}
	return slices.DeleteFunc(q.Keys.Strings(unique[level]), func(s string) bool { return s == "" })
}
