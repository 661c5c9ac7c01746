package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/store/storetest"
)

// searched are attributes that SQL narrows by, each in its own way.
var searched = []dicom.Tag{dict.PatientID, dict.PatientName, dict.PatientBirthDate, dict.StudyInstanceUID, dict.StudyDate,
	dict.StudyTime, dict.AccessionNumber, dict.StudyID, dict.ReferringPhysicianName, dict.ModalitiesInStudy, dict.SOPClassesInStudy,
	dict.SeriesInstanceUID, dict.Modality, dict.SOPInstanceUID, dict.SOPClassUID, dict.InstanceNumber, dict.StudyDescription,
	dict.NumberOfStudyRelatedInstances, dict.TimezoneOffsetFromUTC}

// both is the catalog on SQLite and the one in memory, with the same entries.
type both struct{ sqlite, memory archive.Catalog }

func openBoth(t testing.TB) both {
	b := both{mustOpen(t, filepath.Join(t.TempDir(), "catalog.db")), storetest.NewCatalog()}
	t.Cleanup(func() { b.sqlite.Close() })
	r := rand.New(rand.NewPCG(11, 12))
	for n := range 120 {
		m, ds := sample(r, r.IntN(40), r.IntN(3), n)
		m.SOPClass = []dicom.UID{dict.UIDCTImageStorage, dict.UIDMRImageStorage}[n%2]
		m.Source = []string{"ct1", "mr1"}[r.IntN(2)]
		for tag, values := range map[dicom.Tag][]string{
			dict.PatientID:              {"P1", "P2", "p1", "", "P*"},
			dict.PatientName:            {"Smith^John", "SMÍTH", "Smithers^^Ann", "Yamada^T=山田^太郎=やまだ", `"x"*^y`, ""},
			dict.ReferringPhysicianName: {"Nowak^Jan", "Łuczak^Ewa", ""},
			dict.StudyDate:              {"20240101", "20240131", "2024.02.29", "junk", ""},
			dict.StudyTime:              {"10", "235959.5", "1015", ""},
			dict.Modality:               {"CT", "MR", "SR"},
			dict.InstanceNumber:         {"1", "02", "x", ""},
			dict.TimezoneOffsetFromUTC:  {"+0100", "-0500", ""},
		} {
			v := values[r.IntN(len(values))]
			ds.Put(dicom.Element{Tag: tag, VR: dict.VR(tag), Data: dicom.Pad([]byte(v), dict.VR(tag))})
		}
		for _, c := range []archive.Catalog{b.sqlite, b.memory} {
			if err := c.Add(context.Background(), archive.Location(fmt.Sprint("L", n)), m, ds, "M"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

// same fails if the two catalogs answer a query in different ways.
func (b both) same(t *testing.T, scope policy.Scope, q archive.Query) int {
	t.Helper()
	var answers [2][]string
	for i, c := range []archive.Catalog{b.sqlite, b.memory} {
		for ds, err := range c.Find(context.Background(), scope, q) {
			if err != nil {
				t.Fatalf("find: %v", err)
			}
			var s strings.Builder
			for e := range ds.All() {
				fmt.Fprintf(&s, "%s %q ", e.Tag, e.Data)
			}
			answers[i] = append(answers[i], s.String())
		}
		if q.Level == archive.LevelPatient {
			slices.Sort(answers[i]) // the order of patients depends on studies out of scope
		}
	}
	if !slices.Equal(answers[0], answers[1]) {
		var keys []string
		for e := range q.Keys.All() {
			keys = append(keys, fmt.Sprintf("%s %q", e.Tag, e.Data))
		}
		t.Errorf("level %d, scope %+v, %v: %d answers, the one in memory has %d", q.Level, scope, keys, len(answers[0]), len(answers[1]))
	}
	return len(answers[0])
}

func query(level, negotiated byte) archive.Query {
	return archive.Query{Level: archive.Level(level%4) + 1, Keys: new(dicom.DataSet), DateTimeMatching: negotiated&1 != 0,
		FuzzyNames: negotiated&2 != 0, EmptyValue: negotiated&4 != 0, MultipleValue: negotiated&8 != 0, TimezoneOffset: negotiated&16 != 0}
}

func putKey(q *archive.Query, tag dicom.Tag, value []byte) {
	q.Keys.Put(dicom.Element{Tag: dict.SpecificCharacterSet, VR: dicom.VRCS, Data: []byte("ISO_IR 192")})
	q.Keys.Put(dicom.Element{Tag: tag, VR: dict.VR(tag), Data: value})
}

// TestSameAsMemory asks both catalogs random queries made of plausible parts.
func TestSameAsMemory(t *testing.T) {
	b := openBoth(t)
	r := rand.New(rand.NewPCG(21, 22))
	parts := []string{"P1", "p1", "P", "smith", "SMI", "mit", "^", "john", "ann", "山田", "=", "*", "?", `"`, `\`, "-", "2024", "0101", "20240131",
		"10", "CT", "MR", "1", "2", "+0100", "nowak", "wak", "A0000000", "1.2.826.0.1.3680043.9.7539.1.7", ".1", string(dict.UIDCTImageStorage), `""`, " "}
	scopes := []policy.Scope{{}, {}, {Patients: []string{"P1", "P*"}}, {Modalities: []string{"CT"}}, {Sources: []string{"mr1"}},
		{Referring: []string{"luczak^ewa"}, Institutions: []string{"Hospital 1", "Hospital 2"}}, {MaxAge: 1e5 * 3600e9}}
	found := 0
	for range 3000 {
		q := query(byte(r.IntN(4)), byte(r.IntN(32)))
		for range 1 + r.IntN(2) {
			var v string
			for range 1 + r.IntN(3) {
				v += parts[r.IntN(len(parts))]
			}
			putKey(&q, searched[r.IntN(len(searched))], []byte(v))
		}
		if r.IntN(3) == 0 {
			q.Limit, q.Offset = r.IntN(5), r.IntN(3)
		}
		if q.Level == archive.LevelPatient {
			q.Limit, q.Offset = 0, 0
		}
		found += b.same(t, scopes[r.IntN(len(scopes))], q)
	}
	if found < 1000 {
		t.Errorf("the queries find %d: they test little", found)
	}
}

// FuzzFind: no identifier makes SQL fail, or answer otherwise than the catalog
// in memory does.
func FuzzFind(f *testing.F) {
	b := openBoth(f)
	for i, s := range []string{"SMI*", "*mit*", "20240101-", `""`, "1000-1200", `1.2\1.3`, "'; DROP TABLE study; --", `"x"*`, "=山田*"} {
		f.Add(byte(i), byte(i), byte(i*31), []byte(s))
	}
	f.Fuzz(func(t *testing.T, attribute, level, negotiated byte, key []byte) {
		q := query(level, negotiated)
		putKey(&q, searched[int(attribute)%len(searched)], key)
		b.same(t, policy.Scope{}, q)
	})
}
