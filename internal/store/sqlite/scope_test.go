package sqlite

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// scopedQuery is a search with and without a scope that answers the same number
// of rows.
type scopedQuery struct {
	name  string
	scope policy.Scope
	keys  map[dicom.Tag]string
}

func (q *scopedQuery) finder(c *Catalog, scope policy.Scope, limit int) *finder {
	query := archive.Query{Level: archive.LevelStudy, Keys: new(dicom.DataSet), Limit: limit}
	for _, tag := range []dicom.Tag{dict.StudyInstanceUID, dict.PatientName, dict.ModalitiesInStudy, dict.NumberOfStudyRelatedInstances} {
		query.Keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag)})
	}
	for tag, v := range q.keys {
		query.Keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag), Data: []byte(v)})
	}
	m, sc := match.New(query), newScoped(scope, c.now())
	return &finder{catalog: c, m: m, scope: sc, candidates: newCandidates(m, sc), limit: limit}
}

var scopedQueries = []scopedQuery{
	{"institution", policy.Scope{Institutions: []string{"Hospital 1"}}, nil},
	{"institution, rare", policy.Scope{Institutions: []string{"Practice 7"}}, nil},
	{"modality", policy.Scope{Modalities: []string{"MR"}}, nil},
	{"source", policy.Scope{Sources: []string{"ct1"}}, nil},
	{"two institutions", policy.Scope{Institutions: []string{"Hospital 1", "Hospital 2"}}, nil},
	{"institution and modality", policy.Scope{Institutions: []string{"Hospital 1"}, Modalities: []string{"MR"}}, nil},
	{"institution, dates", policy.Scope{Institutions: []string{"Hospital 1"}}, map[dicom.Tag]string{dict.StudyDate: "20160301-20160430"}},
	{"age", policy.Scope{MaxAge: 20 * 365 * 24 * time.Hour}, nil},
	{"an alternative", policy.Scope{Institutions: []string{"Hospital 1"}}.With(policy.Scope{Patients: []string{"PID0000000"}}), nil},
}

// Listing the candidates of a scoped search names nothing outside of the scope:
// no record of others is read, whatever the keys are.
func TestRowsOfOthersAreNotRead(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	defer c.Close()
	fillScoped(t, c, 600)
	for _, q := range scopedQueries {
		f := q.finder(c, q.scope, 0)
		var read []int64
		if err := c.readers.do(t.Context(), func(r *conn) (err error) { read, err = f.list(r); return err }); err != nil {
			t.Fatal(err)
		}
		visible := map[int64]bool{}
		all := 0
		for n := int64(1); n <= 600; n++ {
			visible[n] = visibleStudy(t, c, q.scope, n)
			if visible[n] {
				all++
			}
		}
		whole := len(q.keys) == 0 // no key leaves visible ones out
		if len(read) == 0 || whole && len(read) != all || slices.ContainsFunc(read, func(n int64) bool { return !visible[n] }) {
			t.Errorf("%s: %d read, %d are visible", q.name, len(read), all)
		}
		// Only the alternatives of a scope and lists of values are looked for study
		// by study; everything else walks an index of what is in the scope.
		got := explainScoped(t, c, f)
		if f.candidates.walked && !strings.Contains(got, "USING INDEX series_") && !strings.Contains(got, "USING COVERING INDEX series_") {
			t.Errorf("%s: walks no index:\n%s", q.name, got)
		}
		if strings.Contains(got, "TEMP B-TREE") && len(q.keys) == 0 {
			t.Errorf("%s: sorts:\n%s", q.name, got)
		}
	}
}

func explainScoped(t *testing.T, c *Catalog, f *finder) string {
	t.Helper()
	g := *f
	g.last = 0
	sql, args := g.sql()
	return explainSQL(t, c, sql, args)
}

// visibleStudy asks the specification, which looks at each series.
func visibleStudy(t *testing.T, c *Catalog, scope policy.Scope, n int64) bool {
	t.Helper()
	visible := false
	err := c.readers.do(t.Context(), func(r *conn) error {
		f := &fetcher{conn: r, m: (&scopedQuery{}).finder(c, policy.Scope{}, 0).m, scope: &scoped{}}
		series, _, err := r.number("SELECT id FROM series WHERE study = ?", n)
		if err == nil {
			_, err = f.readSeries(series)
		}
		visible = err == nil && match.Visible(scope, &f.levels, "ct1", c.now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return visible
}

// TestScopeCost compares searches under a scope with ones without that answer
// the same number of rows:
//
//	go test ./internal/store/sqlite -run TestScopeCost -v -studies 100000
//
// It judges only with at least 100,000 studies: below, both are too short.
func TestScopeCost(t *testing.T) {
	if *studies < 100_000 {
		t.Skip("measures; give -studies 100000")
	}
	c := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	defer c.Close()
	fillScoped(t, c, *studies)
	for _, q := range scopedQueries {
		var plain, scoped []time.Duration
		rows := 0
		for range 41 {
			d, n := timeFind(t, c, q.finder(c, q.scope, 100))
			scoped, rows = append(scoped, d), n
			d, _ = timeFind(t, c, q.finder(c, policy.Scope{}, rows))
			plain = append(plain, d)
		}
		slices.Sort(plain)
		slices.Sort(scoped)
		ratio := float64(scoped[20]) / float64(plain[20])
		t.Logf("%-26s %3d rows: scoped %8v, unscoped %8v, ratio %.2f", q.name, rows, scoped[20], plain[20], ratio)
		most := 1.5
		if f := q.finder(c, q.scope, 100); !f.candidates.walked && len(f.scope.series.conditions) > 0 {
			most = 3 // each candidate is looked at by itself
		}
		if ratio > most {
			t.Errorf("%s: costs %.2f times as much", q.name, ratio)
		}
	}
}

func timeFind(t *testing.T, c *Catalog, f *finder) (time.Duration, int) {
	t.Helper()
	rows := 0
	began := time.Now()
	err := f.run(t.Context(), func(_ *dicom.DataSet, err error) bool { rows++; return err == nil })
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(began), rows
}

// fillScoped adds studies of three hospitals, and of a practice that has one in
// five hundred.
func fillScoped(t *testing.T, c *Catalog, n int) {
	t.Helper()
	done := make(chan error, 16)
	for w := range cap(done) {
		go func() {
			for s := w; s < n; s += cap(done) {
				m, ds := sample(newRand(s), s, 1, 1)
				if s%500 == 7 {
					ds.Put(dicom.Element{Tag: dict.InstitutionName, VR: dicom.VRLO, Data: []byte("Practice 7")})
				}
				if err := c.Add(t.Context(), archive.Location(fmt.Sprint("L", s)), m, ds, "M"); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func newRand(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 5)) }
