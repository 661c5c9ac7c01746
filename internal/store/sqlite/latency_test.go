package sqlite

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// studies is how many studies the latencies are measured with:
//
//	go test ./internal/store/sqlite -run TestLatency -v -studies 100000
var studies = flag.Int("studies", 300, "studies for TestLatency")

var syllables = []string{"smi", "th", "mül", "ler", "jo", "han", "na", "ber", "ta", "kow", "al", "ski", "ro", "dri", "guez", "mit", "an", "de", "son"}

// inventName makes up a person's name.
func inventName(r *rand.Rand) string {
	s := func() string { return syllables[r.IntN(len(syllables))] }
	return s() + s() + s() + "^" + s() + s()
}

// sample is an invented CT instance, one of many of a study.
func sample(r *rand.Rand, study, series, n int) (*archive.Meta, *dicom.DataSet) {
	m := &archive.Meta{Kind: archive.KindInstance, SOPClass: dict.UIDCTImageStorage, TransferSyntax: dict.UIDExplicitVRLittleEndian,
		Study: dicom.UID(fmt.Sprint("1.2.826.0.1.3680043.9.7539.1.", study)), Length: 524288, Source: "ct1", Received: time.Now()}
	m.Series = dicom.UID(fmt.Sprint(m.Study, ".", series))
	m.Instance = dicom.UID(fmt.Sprint(m.Series, ".", n))
	ds := new(dicom.DataSet)
	put := func(tag dicom.Tag, s string) {
		vr := dict.VR(tag)
		ds.Put(dicom.Element{Tag: tag, VR: vr, Data: dicom.Pad([]byte(s), vr)})
	}
	put(dict.SpecificCharacterSet, "ISO_IR 192")
	put(dict.ImageType, `ORIGINAL\PRIMARY\AXIAL`)
	put(dict.StudyDate, time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, study%3650).Format("20060102"))
	put(dict.ContentDate, "20240102")
	put(dict.StudyTime, "101112.123")
	put(dict.AccessionNumber, fmt.Sprintf("A%08d", study))
	put(dict.Modality, []string{"CT", "MR", "US", "CR"}[study%4])
	put(dict.Manufacturer, "Invented")
	put(dict.InstitutionName, fmt.Sprint("Hospital ", study%3))
	put(dict.StudyDescription, "CT Thorax")
	put(dict.SeriesDescription, "Lung 1.0")
	put(dict.PatientID, fmt.Sprintf("PID%07d", study*7919%1_000_000))
	put(dict.PatientName, inventName(rand.New(rand.NewPCG(uint64(study), 1))))
	put(dict.PatientBirthDate, "19700101")
	put(dict.PatientSex, "F")
	put(dict.SeriesNumber, fmt.Sprint(series))
	put(dict.InstanceNumber, fmt.Sprint(n))
	if r.IntN(2) == 0 {
		put(dict.BodyPartExamined, "CHEST")
	}
	ds.PutUID(dict.StudyInstanceUID, m.Study)
	ds.PutUID(dict.SeriesInstanceUID, m.Series)
	ds.PutUID(dict.SOPInstanceUID, m.Instance)
	for _, tag := range []dicom.Tag{dict.Rows, dict.Columns, dict.BitsAllocated} {
		_ = ds.PutInts(tag, dicom.VRUS, 512)
	}
	return m, ds
}

// TestLatency measures; it fails for gross slowness alone. The figures for
// docs/design/catalog.md come from it.
func TestLatency(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	path := filepath.Join(t.TempDir(), "catalog.db")
	c, err := Open(path, key)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	fillStudies(t, c, *studies)
	start := time.Now()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("close %v", time.Since(start))
	start = time.Now()
	if c, err = Open(path, key); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	opened := time.Since(start)
	if _, err := c.Instance(t.Context(), "1"); err == nil {
		t.Error("an instance too many")
	}
	t.Logf("open %v, to the first answer %v", opened, time.Since(start))
	measureFind(t, c, r)
	measureInstances(t, c, r)
	measureAdd(t, c, r)
}

// fillStudies adds studies of one instance each with many callers.
func fillStudies(t *testing.T, c *Catalog, n int) {
	const callers = 64
	start := time.Now()
	var wg sync.WaitGroup
	for w := range callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 3))
			for s := w; s < n; s += callers {
				m, ds := sample(r, s, 1, 1)
				if err := c.Add(context.Background(), archive.Location(fmt.Sprint("seg-00000001-", s)), m, ds, "M"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d new studies with %d callers: %.0f a second", n, callers, float64(n)/time.Since(start).Seconds())
}

func measure(t *testing.T, what string, times int, f func() int) {
	t.Helper()
	var d []time.Duration
	found := 0
	for range times {
		start := time.Now()
		found += f()
		d = append(d, time.Since(start))
	}
	slices.Sort(d)
	t.Logf("%-24s min %10v  p50 %10v  p95 %10v  finds %d", what, d[0], d[times/2], d[times*95/100], found/times)
	if d[times/2] > 5*time.Second {
		t.Errorf("%s takes %v", what, d[times/2])
	}
}

func measureFind(t *testing.T, c *Catalog, r *rand.Rand) {
	find := func(level archive.Level, scope policy.Scope, limit int, keys ...any) int {
		q := archive.Query{Level: level, Limit: limit, Keys: new(dicom.DataSet)}
		for i := 0; i < len(keys); i += 2 {
			tag := keys[i].(dicom.Tag)
			q.Keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag), Data: []byte(keys[i+1].(string))})
		}
		for _, tag := range []dicom.Tag{dict.PatientName, dict.StudyDate, dict.StudyDescription, dict.ModalitiesInStudy, dict.NumberOfStudyRelatedInstances} {
			if !q.Keys.Has(tag) {
				q.Keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag)})
			}
		}
		n := 0
		for _, err := range c.Find(context.Background(), scope, q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	study, all := archive.LevelStudy, policy.Scope{}
	n := *studies
	measure(t, "patient ID", 500, func() int {
		return find(study, all, 0, dict.PatientID, fmt.Sprintf("PID%07d", r.IntN(n)*7919%1_000_000))
	})
	measure(t, "patient ID, scope", 500, func() int {
		return find(study, policy.Scope{Institutions: []string{"Hospital 1"}, MaxAge: 1e6 * time.Hour}, 0, dict.PatientID, fmt.Sprintf("PID%07d", r.IntN(n)*7919%1_000_000))
	})
	measure(t, "accession number", 500, func() int { return find(study, all, 0, dict.AccessionNumber, fmt.Sprintf("A%08d", r.IntN(n))) })
	measure(t, "study UID", 500, func() int {
		return find(study, all, 0, dict.StudyInstanceUID, fmt.Sprint("1.2.826.0.1.3680043.9.7539.1.", r.IntN(n)))
	})
	measure(t, "one day", 100, func() int { return find(study, all, 0, dict.StudyDate, "20170302") })
	measure(t, "one week, modality", 100, func() int {
		return find(study, all, 0, dict.StudyDate, "20170302-20170308", dict.ModalitiesInStudy, "CT")
	})
	measure(t, "name SMITHJO*", 100, func() int { return find(study, all, 0, dict.PatientName, "SMITHJO*") })
	measure(t, "name SMI*, all", 5, func() int { return find(study, all, 0, dict.PatientName, "SMI*") })
	measure(t, "name SMI*, first 100", 20, func() int { return find(study, all, 100, dict.PatientName, "SMI*") })
	measure(t, "name *MITKOW*", 50, func() int { return find(study, all, 0, dict.PatientName, "*MITKOW*") })
	measure(t, "name *MIT*, first 100", 20, func() int { return find(study, all, 100, dict.PatientName, "*MIT*") })
	measure(t, "name *IT*, first 100", 20, func() int { return find(study, all, 100, dict.PatientName, "*IT*") })
	measure(t, "name none *XQZ*", 20, func() int { return find(study, all, 0, dict.PatientName, "*XQZ*") })
	measure(t, "all, first 100", 20, func() int { return find(study, all, 100) })
	measure(t, "all, 100 at half", 20, func() int {
		m := 0
		for range c.Find(context.Background(), all, archive.Query{Level: study, Offset: n / 2, Limit: 100}) {
			m++
		}
		return m
	})
	measure(t, "modality US, first 100", 20, func() int { return find(study, all, 100, dict.ModalitiesInStudy, "US") })
	measure(t, "description (no index)", 3, func() int { return find(study, all, 0, dict.StudyDescription, "MR*") })
}

func measureInstances(t *testing.T, c *Catalog, r *rand.Rand) {
	for n := range 100 {
		m, ds := sample(r, *studies+1, 1, n)
		if err := c.Add(context.Background(), "L", m, ds, "M"); err != nil {
			t.Fatal(err)
		}
	}
	keys := new(dicom.DataSet)
	keys.PutUID(dict.StudyInstanceUID, dicom.UID(fmt.Sprint("1.2.826.0.1.3680043.9.7539.1.", *studies+1)))
	measure(t, "100 instances", 100, func() int {
		n := 0
		for range c.Instances(context.Background(), policy.Scope{}, archive.Query{Keys: keys}) {
			n++
		}
		return n
	})
	measure(t, "instance", 1000, func() int {
		uid := dicom.UID(fmt.Sprintf("1.2.826.0.1.3680043.9.7539.1.%d.1.1", r.IntN(*studies)))
		if _, err := c.Instance(context.Background(), uid); err != nil {
			t.Fatal(err)
		}
		return 1
	})
	measure(t, "instance, absent", 1000, func() int {
		_, err := c.Instance(context.Background(), dicom.UID(fmt.Sprint("1.2.826.0.1.3680043.9.", r.IntN(1e9))))
		if err == nil {
			t.Fatal("it is there")
		}
		return 0
	})
}

func measureAdd(t *testing.T, c *Catalog, r *rand.Rand) {
	n := 0
	add := func(r *rand.Rand, series, n int) {
		m, ds := sample(r, *studies+2, series, n)
		if err := c.Add(context.Background(), "seg-00000001-000000", m, ds, "M"); err != nil {
			t.Error(err)
		}
	}
	measure(t, "add, alone", 1000, func() int { n++; add(r, 1, n); return 1 })
	const each = 1000
	start := time.Now()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 4))
			for i := range each {
				add(r, 2+w, i)
			}
		})
	}
	wg.Wait()
	t.Logf("8 callers: %.0f instances a second", 8*each/time.Since(start).Seconds())
}
