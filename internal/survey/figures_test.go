package survey_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// figures are those of a country, or of the world, in a survey.
type figures struct {
	code                         string
	open, http                   int
	studies, images, retrievable int64
}

// table is what a simulated survey must find.
type table struct {
	hosts, open, http int
	countries         []figures
}

// figures2019 are those of the survey of 2019 (../shared/survey/country_figures.csv):
// 2,300 systems, 590 open, 39 of them by HTTP, in 52 countries. Countries that
// the report names without figures share what is left of the world's sums. A
// smaller table stands in where the file is absent.
func figures2019(t *testing.T) table {
	t.Helper()
	f, err := os.Open("../../../shared/survey/country_figures.csv")
	if err != nil {
		t.Log("../shared/survey/country_figures.csv is absent: a smaller table of the project's own is used")
		return smallTable()
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := table{http: 39}
	left := figures{}
	for _, row := range rows {
		if row[0] != "Greenbone 2019-09" {
			continue
		}
		if row[1] == "World" {
			out.hosts, out.open = int(leading(row[2])), int(leading(row[3]))
			left = figures{open: out.open, studies: leading(row[4]), images: leading(row[5]), retrievable: leading(row[6])}
			continue
		}
		if code := codes2019[row[1]]; code != "" {
			c := figures{code: code, open: int(leading(row[3])), studies: leading(row[4]), images: leading(row[5]), retrievable: leading(row[6])}
			if c.retrievable == 0 {
				c.retrievable = c.images
			}
			c.images = max(c.images, c.retrievable)
			out.countries = append(out.countries, c)
		}
	}
	out.fill(left)
	return out
}

var codes2019 = map[string]string{"United States": "US", "Turkey": "TR", "Brazil": "BR", "South Africa": "ZA", "India": "IN",
	"France": "FR", "Italy": "IT", "Germany": "DE", "Switzerland": "CH", "United Kingdom": "GB", "Slovakia": "SK", "Malaysia": "MY",
	"Australia": "AU", "Netherlands": "NL"}

// others are made up to 52 countries.
var others = strings.Fields("AR BD BG BO CA CL CN CO CR CZ DO EC EG ES GR GT HK HU ID IE IL IR JP KE KR LT MX NG NZ PE PH PK PL PT RO RU TH UA VE VN")

const countries2019 = 52

// fill gives what is left of the world's sums to the countries without figures.
func (t *table) fill(left figures) {
	for _, code := range others {
		if len(t.countries) < countries2019 {
			t.countries = append(t.countries, figures{code: code})
		}
	}
	without := 0
	for _, c := range t.countries {
		left.open -= c.open
		left.studies -= c.studies
		left.images -= c.images
		left.retrievable -= c.retrievable
		without += min(1, max(0, 1-c.open))
	}
	http := t.http
	last := 0
	for i := range t.countries {
		c := &t.countries[i]
		if c.open == 0 {
			c.open = left.open / without
			left.open -= c.open
			without--
		}
		if c.http = min(1, http); c.studies == 0 && i >= t.http {
			c.http = 0
		}
		http -= c.http
		if c.code == "ZA" {
			last = i
		}
	}
	rest := &t.countries[last] // third by images, without figures of its own
	rest.studies += left.studies
	rest.images += left.images
	rest.retrievable += left.retrievable
	t.countries[0].http += http
}

// leading returns the number at the beginning of a field, 0 if there is none
// that is whole.
func leading(s string) int64 {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// smallTable is of the same kind, and invented.
func smallTable() table {
	t := table{hosts: 200, open: 51, http: 6, countries: []figures{
		{"TR", 9, 2, 4_321, 987_654, 900_001}, {"DE", 5, 1, 1_999, 120_000, 120_000}, {"FR", 7, 1, 2_345, 67_890, 60_000},
		{"US", 24, 1, 54_321, 7_654_321, 1_234_567}, {"MY", 6, 1, 903, 45_678, 45_678}}}
	return t
}

func TestFigures(t *testing.T) {
	for _, table := range []table{figures2019(t), smallTable()} {
		open, http := 0, 0
		for _, c := range table.countries {
			open += c.open
			http += c.http
			if c.open < 1 || c.http > c.open || c.retrievable > c.images || c.http == 0 && c.studies > int64(c.open) {
				t.Errorf("%+v", c)
			}
		}
		if open != table.open || http != table.http {
			t.Errorf("%d open and %d by HTTP, want %d and %d", open, http, table.open, table.http)
		}
	}
	if n := leading("15000 (Greenbone) 13000 (BR)"); n != 15000 || leading("about half") != 0 || leading(">200000") != 0 {
		t.Error(fmt.Sprint(n))
	}
}
