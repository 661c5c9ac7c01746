package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/internal/survey"
)

// Found is a port that a search found, as it was last seen.
type Found struct {
	*survey.Envelope
	First time.Time `json:"first_seen"`
	Last  time.Time `json:"last_seen"`
	Looks int       `json:"looks"`
}

// Look is what a port showed once.
type Look struct {
	At       netip.AddrPort `json:"-"`
	Time     time.Time      `json:"time"`
	State    survey.State   `json:"state"`
	Severity float64        `json:"severity"`
	Product  string         `json:"product,omitempty"`
	Version  string         `json:"version,omitempty"`
	Studies  *int64         `json:"studies,omitempty"`
}

// Search returns the ports whose latest look matches, the worst first, and at
// most limit of them.
func (db *DB) Search(q *Query, limit int) ([]Found, error) {
	if limit < 1 {
		return nil, errors.New("search the inventory: the limit must be positive")
	}
	var out []Found
	var bad error
	err := db.query(`SELECT look.envelope, place.first, place.last, (SELECT count(*) FROM look AS l WHERE l.place = place.id)
		FROM place JOIN look ON look.id = place.look WHERE `+q.where()+` ORDER BY look.severity DESC, place.ip, place.port LIMIT ?`,
		append(q.args(), int64(limit)), func(s *sqlite3.Stmt) bool {
			f := Found{Envelope: &survey.Envelope{}, First: moment(s.ColumnInt64(1)), Last: moment(s.ColumnInt64(2)), Looks: int(s.ColumnInt64(3))}
			if bad = json.Unmarshal([]byte(s.ColumnText(0)), f.Envelope); bad != nil {
				return false
			}
			out = append(out, f)
			return true
		})
	if err := errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("search the inventory: %w", err)
	}
	return out, nil
}

// Looks calls each for every look at the ports of a host, at those of all hosts
// if the address is invalid, in the order of place and time.
func (db *DB) Looks(host netip.Addr, each func(Look)) error {
	where, args := "1", []any(nil)
	if host.IsValid() {
		where, args = "place.ip = ?", []any{ipBytes(host)}
	}
	err := db.query(`SELECT place.ip, place.port, look.time, look.state, look.severity, look.product, look.version, look.studies
		FROM place JOIN look ON look.place = place.id WHERE `+where+` ORDER BY place.ip, place.port, look.time`,
		args, func(s *sqlite3.Stmt) bool {
			ip, _ := netip.AddrFromSlice(s.ColumnBlob(0, nil))
			l := Look{At: netip.AddrPortFrom(ip.Unmap(), uint16(s.ColumnInt64(1))), Time: moment(s.ColumnInt64(2)),
				State: survey.State(s.ColumnText(3)), Severity: s.ColumnFloat(4), Product: s.ColumnText(5), Version: s.ColumnText(6)}
			if s.ColumnType(7) != sqlite3.NULL {
				n := s.ColumnInt64(7)
				l.Studies = &n
			}
			each(l)
			return true
		})
	if err != nil {
		return fmt.Errorf("read the inventory: %w", err)
	}
	return nil
}
