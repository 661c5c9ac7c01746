// Package inventory keeps the results of all runs of the survey in one local
// database, and searches them by the words that users of Shodan and Censys know.
// It holds what state files hold: nothing of a patient.
//
// State files are the truth and the inventory is made of them: a file that is
// added twice changes nothing, and a database that is lost is filled anew.
//
// The database is SQLite. The archive's catalog has a store of its own for that,
// which the survey must not know, because it looks from outside: so SQLite has
// two owners.
package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// DB is an open inventory. It is for one goroutine; several processes may have
// it open.
type DB struct{ c *sqlite3.Conn }

// schema is version 1: place is a port of a host, look is what it showed once.
const schema = `
CREATE TABLE place (
	id INTEGER PRIMARY KEY,
	ip BLOB NOT NULL,               -- 16 bytes: IPv4 is mapped, so that ranges are ranges
	port INTEGER NOT NULL,
	first INTEGER NOT NULL,         -- milliseconds since 1970, as all times
	last INTEGER NOT NULL,
	look INTEGER,                   -- the latest
	UNIQUE (ip, port));
CREATE TABLE look (
	id INTEGER PRIMARY KEY,
	place INTEGER NOT NULL REFERENCES place (id),
	time INTEGER NOT NULL,
	state TEXT NOT NULL,
	severity REAL NOT NULL,
	product TEXT NOT NULL,
	version TEXT NOT NULL,
	country TEXT NOT NULL,
	asn INTEGER NOT NULL,
	network TEXT NOT NULL,
	domain TEXT NOT NULL,
	scope TEXT NOT NULL,
	tls TEXT NOT NULL,              -- the version; mutual; empty for none
	findings TEXT NOT NULL,         -- with a space before and behind each
	vulnerabilities TEXT NOT NULL,  -- likewise
	honeypot INTEGER NOT NULL,
	studies INTEGER,
	images INTEGER,
	envelope TEXT NOT NULL,         -- as in the state file
	UNIQUE (place, time));
CREATE INDEX place_last ON place (last);
PRAGMA user_version = 1;`

const version = 1

// Open opens an inventory, or begins one that only its owner can read.
func Open(path string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the inventory: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open the inventory: %w", err)
	}
	c, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE)
	if err != nil {
		return nil, fmt.Errorf("open the inventory: %w", err)
	}
	db := &DB{c}
	if err := c.Exec("PRAGMA busy_timeout = 10000; PRAGMA temp_store = memory; PRAGMA synchronous = normal"); err != nil {
		return nil, errors.Join(fmt.Errorf("open the inventory: %w", err), c.Close())
	}
	if err := db.migrate(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the inventory: %w", err), c.Close())
	}
	return db, nil
}

func (db *DB) migrate() error {
	return db.transaction(func() error {
		found, _, err := db.number("PRAGMA user_version")
		switch {
		case err != nil:
			return err
		case found > version:
			return fmt.Errorf("it has version %d, this program knows versions up to %d", found, version)
		case found == version:
			return nil
		}
		return db.c.Exec(schema)
	})
}

// Close closes the inventory.
func (db *DB) Close() error { return db.c.Close() }

// transaction does all of f or nothing.
func (db *DB) transaction(f func() error) error {
	if err := db.c.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, db.c.Exec("ROLLBACK"))
	}
	return db.c.Exec("COMMIT")
}

// query binds args and calls row for each row until it returns false.
func (db *DB) query(sql string, args []any, row func(*sqlite3.Stmt) bool) error {
	s, _, err := db.c.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	for i, a := range args {
		switch v := a.(type) {
		case string:
			err = s.BindText(i+1, v)
		case int64:
			err = s.BindInt64(i+1, v)
		case float64:
			err = s.BindFloat(i+1, v)
		case []byte:
			err = s.BindBlob(i+1, v)
		case nil:
			err = s.BindNull(i + 1)
		default:
			err = fmt.Errorf("a %T cannot be bound", a)
		}
		if err != nil {
			return err
		}
	}
	for s.Step() {
		if !row(s) {
			return nil
		}
	}
	return s.Err()
}

func (db *DB) number(sql string, args ...any) (n int64, ok bool, err error) {
	err = db.query(sql, args, func(s *sqlite3.Stmt) bool {
		n, ok = s.ColumnInt64(0), true
		return false
	})
	return n, ok, err
}

func (db *DB) exec(sql string, args ...any) error {
	return db.query(sql, args, func(*sqlite3.Stmt) bool { return true })
}

// Add takes results in, all or none, and returns how many were new.
func (db *DB) Add(list []*survey.Envelope) (added int, err error) {
	err = db.transaction(func() error {
		added = 0
		for _, e := range list {
			is, err := db.add(e)
			if err != nil {
				return err
			}
			if is {
				added++
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("write the inventory: %w", err)
	}
	return added, nil
}

func (db *DB) add(e *survey.Envelope) (bool, error) {
	r := e.Data.DICOM.Result
	if r == nil || !e.IP.IsValid() {
		return false, nil
	}
	text, err := json.Marshal(e)
	if err != nil {
		return false, err
	}
	when := e.Data.DICOM.Timestamp.UnixMilli()
	ip := ipBytes(e.IP)
	err = db.exec(`INSERT INTO place (ip, port, first, last) VALUES (?1, ?2, ?3, ?3)
		ON CONFLICT (ip, port) DO UPDATE SET first = min(first, ?3)`, ip, int64(e.Port), when)
	if err != nil {
		return false, err
	}
	place, _, err := db.number("SELECT id FROM place WHERE ip = ? AND port = ?", ip, int64(e.Port))
	if err != nil {
		return false, err
	}
	look, isNew, err := db.number(`INSERT INTO look (place, time, state, severity, product, version, country, asn, network, domain,
			scope, tls, findings, vulnerabilities, honeypot, studies, images, envelope)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
		place, when, string(r.State), r.Severity, r.Product, r.Version, r.Country, int64(r.ASN), r.Network, e.Domain,
		r.Scope, tlsWord(r), findingWords(r), vulnerabilityWords(r), boolean(r.Honeypot), optional(r.Studies), optional(r.Images), string(text))
	if err != nil || !isNew {
		return false, err
	}
	return true, db.exec("UPDATE place SET look = ?1, last = ?2 WHERE id = ?3 AND (look IS NULL OR last <= ?2)", look, when, place)
}

func ipBytes(a netip.Addr) []byte {
	b := a.As16()
	return b[:]
}

func boolean(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func optional(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

func tlsWord(r *survey.Result) string {
	switch {
	case r.TLS == nil:
		return ""
	case r.TLS.ClientCertEnforced:
		return "mutual " + r.TLS.Version
	}
	return strings.TrimSpace("yes " + r.TLS.Version)
}

func findingWords(r *survey.Result) string {
	s := " "
	for _, f := range r.Findings {
		s += f.ID + " "
	}
	return s
}

var cve = regexp.MustCompile(`CVE-\d{4}-\d{4,7}`)

func vulnerabilityWords(r *survey.Result) string {
	s := " "
	for _, f := range r.Findings {
		for _, id := range cve.FindAllString(f.Detail, -1) {
			s += id + " "
		}
	}
	return s
}

func moment(milliseconds int64) time.Time { return time.UnixMilli(milliseconds).UTC() }
