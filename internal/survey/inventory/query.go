package inventory

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// Query is a search that was read: conditions that must all hold.
type Query struct{ conditions []condition }

// condition is a piece of SQL that this package made, and what is bound to it.
type condition struct {
	sql  string
	args []any
}

func (q *Query) where() string {
	if len(q.conditions) == 0 {
		return "1"
	}
	var parts []string
	for _, c := range q.conditions {
		parts = append(parts, c.sql)
	}
	return strings.Join(parts, " AND ")
}

func (q *Query) args() (out []any) {
	for _, c := range q.conditions {
		out = append(out, c.args...)
	}
	return out
}

// maxQuery bounds the text of a query, maxWords what is in it.
const (
	maxQuery = 4096
	maxWords = 64
)

// ParseQuery reads a query: words with spaces between them, all of which must
// hold. A word is name:value, with a minus before it not; values with commas
// between them are alternatives; a value with spaces stands in quotes. A word
// without a name is looked for in product, network and host name.
//
//	state:queryable,web-open country:DE product:orthanc seen:<30d
//	severity:>=7 -country:US org:"Clinic East" net:192.0.2.0/24
func ParseQuery(s string, now time.Time) (*Query, error) {
	if len(s) > maxQuery {
		return nil, fmt.Errorf("the query is longer than %d bytes", maxQuery)
	}
	list, err := words(s)
	if err != nil {
		return nil, err
	}
	if len(list) > maxWords {
		return nil, fmt.Errorf("the query has more than %d words", maxWords)
	}
	q := &Query{}
	for _, w := range list {
		c, err := w.condition(now)
		if err != nil {
			return nil, err
		}
		q.conditions = append(q.conditions, c)
	}
	return q, nil
}

// kind is how the values of a name are read.
type kind int

const (
	exact    kind = iota // whole, whatever the case; * at the end: begins with
	contains             // a part of it
	listed               // a word of a list
	number               // 5, >5, >=5, <5, <=5, 5-9
	age                  // <30d is younger than that, >30d older; or a date
	network              // an address or a network
	truth                // yes or no
)

type field struct {
	column string
	kind   kind
}

// fields are the names, as Shodan and Censys have them where they have one.
var fields = map[string]field{
	"state": {"look.state", exact}, "country": {"look.country", exact}, "product": {"look.product", contains},
	"version": {"look.version", exact}, "port": {"place.port", number}, "net": {"place.ip", network}, "asn": {"look.asn", number},
	"org": {"look.network", contains}, "hostname": {"look.domain", contains}, "severity": {"look.severity", number},
	"studies": {"look.studies", number}, "images": {"look.images", number}, "ssl": {"look.tls", contains},
	"finding": {"look.findings", listed}, "vuln": {"look.vulnerabilities", listed}, "seen": {"place.last", age},
	"first": {"place.first", age}, "scope": {"look.scope", exact}, "honeypot": {"look.honeypot", truth},
}

// aliases are other names of fields: those of Shodan, then those of Censys.
var aliases = map[string]string{
	"ip": "net", "isp": "org", "network": "org", "tls": "ssl", "ssl.version": "ssl", "domain": "hostname",
	"location.country_code": "country", "autonomous_system.asn": "asn", "autonomous_system.name": "org", "dns.names": "hostname",
	"services.port": "port", "services.software.product": "product", "services.software.version": "version", "last_seen": "seen",
	"first_seen": "first",
}

// Names returns the names that a query may use, for help and messages.
func Names() []string {
	var out []string
	for n := range fields {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func (w word) condition(now time.Time) (condition, error) {
	if w.name == "" {
		return w.free(), nil
	}
	name := w.name
	if a := aliases[name]; a != "" {
		name = a
	}
	f, ok := fields[name]
	if !ok {
		return condition{}, fmt.Errorf("%q is no word of a search: use %s", w.name, strings.Join(Names(), ", "))
	}
	var c condition
	for _, v := range w.values {
		sql, args, err := f.match(v, now)
		if err != nil {
			return condition{}, fmt.Errorf("%s: %w", w.name, err)
		}
		if c.sql != "" {
			c.sql += " OR "
		}
		c.sql += sql
		c.args = append(c.args, args...)
	}
	return w.closed(c), nil
}

// free looks for a word without a name.
func (w word) free() condition {
	p := like("%", strings.Join(w.values, ","), "%")
	return w.closed(condition{`look.product LIKE ? ESCAPE '\' OR look.network LIKE ? ESCAPE '\' OR look.domain LIKE ? ESCAPE '\'`, []any{p, p, p}})
}

// closed puts brackets around alternatives; what is unknown does not match, and
// with a minus it does.
func (w word) closed(c condition) condition {
	c.sql = "coalesce(" + c.sql + ", 0)"
	if w.not {
		c.sql = "NOT " + c.sql
	}
	return c
}

// like escapes what has a meaning in LIKE.
func like(before, s, after string) string {
	return before + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + after
}

func (f field) match(v string, now time.Time) (string, []any, error) {
	switch f.kind {
	case contains:
		return f.column + ` LIKE ? ESCAPE '\'`, []any{like("%", v, "%")}, nil
	case listed:
		return f.column + ` LIKE ? ESCAPE '\'`, []any{like("% ", v, " %")}, nil
	case number:
		return f.number(v)
	case age:
		return f.age(v, now)
	case network:
		return f.network(v)
	case truth:
		yes := map[string]int64{"yes": 1, "true": 1, "no": 0, "false": 0}
		n, ok := yes[strings.ToLower(v)]
		if !ok {
			return "", nil, fmt.Errorf("%q is neither yes nor no", v)
		}
		return f.column + " = ?", []any{n}, nil
	}
	if start, ok := strings.CutSuffix(v, "*"); ok {
		return f.column + ` LIKE ? ESCAPE '\'`, []any{like("", start, "%")}, nil
	}
	return f.column + " = ? COLLATE NOCASE", []any{v}, nil
}

// comparison divides >=5 into its sign and the rest.
func comparison(v string) (sign, rest string) {
	for _, s := range []string{">=", "<=", ">", "<", "="} {
		if rest, ok := strings.CutPrefix(v, s); ok {
			return s, rest
		}
	}
	return "=", v
}

func (f field) number(v string) (string, []any, error) {
	if low, high, ok := strings.Cut(v, "-"); ok && low != "" {
		a, err1 := strconv.ParseFloat(low, 64)
		b, err2 := strconv.ParseFloat(high, 64)
		if err1 == nil && err2 == nil {
			return f.column + " BETWEEN ? AND ?", []any{a, b}, nil
		}
	}
	sign, rest := comparison(v)
	if f.column == "look.asn" {
		rest = strings.TrimPrefix(strings.ToUpper(rest), "AS")
	}
	n, err := strconv.ParseFloat(rest, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return "", nil, fmt.Errorf("%q is no number", v)
	}
	return f.column + " " + sign + " ?", []any{n}, nil
}

// units of ages.
var units = map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}

// age reads <30d, younger than thirty days, or >2026-01-31, after that day.
func (f field) age(v string, now time.Time) (string, []any, error) {
	sign, rest := comparison(v)
	if day, err := time.Parse(time.DateOnly, rest); err == nil {
		if sign == "=" {
			return f.column + " BETWEEN ? AND ?", []any{day.UnixMilli(), day.AddDate(0, 0, 1).UnixMilli() - 1}, nil
		}
		if sign == ">" || sign == "<=" { // the day itself is before its end
			day = day.AddDate(0, 0, 1)
			sign = map[string]string{">": ">=", "<=": "<"}[sign]
		}
		return f.column + " " + sign + " ?", []any{day.UnixMilli()}, nil
	}
	unit, ok := time.Duration(0), false
	if rest != "" {
		unit, ok = units[rest[len(rest)-1]]
	}
	n, err := 0, error(nil)
	if ok {
		n, err = strconv.Atoi(rest[:len(rest)-1])
	}
	if !ok || err != nil || n < 0 || n > 100_000 || sign == "=" {
		return "", nil, fmt.Errorf("%q is no age: write <30d, >2w, or >=2026-01-31", v)
	}
	turned := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="} // younger is later
	return f.column + " " + turned[sign] + " ?", []any{now.Add(-time.Duration(n) * min(unit, math.MaxInt64/time.Duration(max(n, 1)))).UnixMilli()}, nil
}

func (f field) network(v string) (string, []any, error) {
	p, err := scope.ParsePrefix(v)
	if err != nil {
		return "", nil, err
	}
	low, high := p.Addr().As16(), p.Addr().As16()
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	for i := bits; i < 128; i++ {
		high[i/8] |= 1 << (7 - i%8)
	}
	return f.column + " BETWEEN ? AND ?", []any{low[:], high[:]}, nil
}
