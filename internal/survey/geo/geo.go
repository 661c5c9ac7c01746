// Package geo tells country and network owner of an address from files that the
// user supplies: MMDB (MaxMind, DB-IP, IPinfo and others) or CSV with the
// columns network,country,asn,owner. None is shipped and none is downloaded.
package geo

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Info is what is known of an address. Empty fields are unknown.
type Info struct {
	Country string // ISO 3166-1 alpha-2
	ASN     uint32
	Owner   string // of the network
}

// DB answers from all files that were opened. A later file fills what an earlier
// one left empty. It may be used by several goroutines.
type DB struct {
	tables  []table
	readers []*maxminddb.Reader
}

// Open opens files by their name's end: .mmdb, else CSV.
func Open(paths ...string) (*DB, error) {
	db := &DB{}
	for _, path := range paths {
		if err := db.open(path); err != nil {
			return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
		}
	}
	return db, nil
}

func (db *DB) open(path string) error {
	if strings.HasSuffix(path, ".mmdb") {
		r, err := maxminddb.Open(path)
		if err != nil {
			return err
		}
		db.readers = append(db.readers, r)
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := readCSV(bufio.NewReader(f))
	if err != nil {
		return err
	}
	db.tables = append(db.tables, t)
	return nil
}

// Close closes the files.
func (db *DB) Close() error {
	var errs []error
	for _, r := range db.readers {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// Lookup returns what is known of an address. A nil DB knows nothing.
func (db *DB) Lookup(a netip.Addr) Info {
	var out Info
	if db == nil {
		return out
	}
	for _, t := range db.tables {
		out.fill(t.lookup(a))
	}
	for _, r := range db.readers {
		var rec mmdbRecord
		if err := r.Lookup(a).Decode(&rec); err == nil {
			out.fill(rec.info())
		}
	}
	return out
}

func (i *Info) fill(o Info) {
	i.Country = cmp.Or(i.Country, o.Country)
	i.ASN = cmp.Or(i.ASN, o.ASN)
	i.Owner = cmp.Or(i.Owner, o.Owner)
}

// mmdbRecord has the fields of the country and ASN databases in use.
type mmdbRecord struct {
	Country struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	CountryCode string `maxminddb:"country_code"`
	ASN         uint32 `maxminddb:"autonomous_system_number"`
	Owner       string `maxminddb:"autonomous_system_organization"`
}

func (r *mmdbRecord) info() Info {
	return Info{Country: country(cmp.Or(r.Country.ISO, r.CountryCode)), ASN: r.ASN, Owner: r.Owner}
}

func country(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
}

// table is a CSV file: by prefix length, longest first, so that the most
// precise network wins.
type table struct {
	lengths []int
	rows    map[netip.Prefix]Info
}

func readCSV(r io.Reader) (table, error) {
	t := table{rows: map[netip.Prefix]Info{}}
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.Comment, c.TrimLeadingSpace = -1, '#', true
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		line, _ := c.FieldPos(0)
		p, err := netip.ParsePrefix(strings.TrimSpace(row[0]))
		if err != nil {
			if line == 1 { // the heading
				continue
			}
			return t, fmt.Errorf("line %d: the first column is no network", line)
		}
		field := func(i int) string {
			if i < len(row) {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		asn, _ := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(field(2)), "AS"), 10, 32)
		t.rows[p.Masked()] = Info{Country: country(field(1)), ASN: uint32(asn), Owner: field(3)}
		if i, known := slices.BinarySearchFunc(t.lengths, p.Bits(), func(a, b int) int { return b - a }); !known {
			t.lengths = slices.Insert(t.lengths, i, p.Bits())
		}
	}
}

func (t table) lookup(a netip.Addr) Info {
	for _, bits := range t.lengths {
		p, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		if i, ok := t.rows[p]; ok {
			return i
		}
	}
	return Info{}
}
