package target

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// record is the union of what the exports hold. Whatever a tool writes
// differently stays raw and is looked at field by field.
type record struct {
	IP               string          `json:"ip"`
	IPStr            string          `json:"ip_str"` // Shodan, where ip is a number
	SAddr            string          `json:"saddr"`  // zmap
	Port             number          `json:"port"`
	SPort            number          `json:"sport"`     // zmap: the port that answered
	Transport        string          `json:"transport"` // Shodan
	Ports            json.RawMessage `json:"ports"`     // masscan: objects; others: numbers
	Domain           string          `json:"domain"`
	Hostnames        []string        `json:"hostnames"`
	Org              string          `json:"org"`
	ASN              number          `json:"asn"` // "AS3320" or 3320
	Location         location        `json:"location"`
	Services         []service       `json:"services"` // Censys
	AutonomousSystem struct {
		ASN  number `json:"asn"`
		Name string `json:"name"`
	} `json:"autonomous_system"`
	Data json.RawMessage `json:"data"` // zgrab2: modules; Shodan: a banner

	// What records are wrapped in: Censys's and Shodan's answers to a search, and
	// Censys's newer exports.
	Host     json.RawMessage   `json:"host"`
	HostV1   json.RawMessage   `json:"host_v1"`
	Resource json.RawMessage   `json:"resource"`
	Result   json.RawMessage   `json:"result"`
	Hits     []json.RawMessage `json:"hits"`
	Matches  []json.RawMessage `json:"matches"`
}

type location struct {
	CountryCode string `json:"country_code"`
}

type service struct {
	Port      number `json:"port"`
	Proto     string `json:"proto"`              // masscan
	Transport string `json:"transport_protocol"` // Censys
	Status    string `json:"status"`             // masscan
}

// tcp reports whether a service is one that a connection could be made to.
func (s service) tcp() bool {
	return !strings.EqualFold(s.Proto, "udp") && !strings.EqualFold(s.Transport, "udp") && s.Status != "closed"
}

// number is a number that some tools write as text, with AS before it or not.
// What is none is 0.
type number uint32

// UnmarshalJSON never fails: a field that makes no sense is as good as absent.
func (n *number) UnmarshalJSON(b []byte) error {
	*n = toNumber(strings.Trim(string(b), `"`))
	return nil
}

func toNumber(s string) number {
	v, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(s), "AS"), 10, 32)
	if err != nil {
		return 0
	}
	return number(v)
}

// readJSON reads an array of records, records one after the other, or lines. It
// cares for the records alone: what stands between them is passed over, so that
// masscan's commas and its last line, which are no JSON, do no harm.
func readJSON(b *bufio.Reader, out *Result) error {
	for {
		raw, err := nextObject(b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", len(out.Targets)+out.Skipped+1, err)
		}
		if bytes.Equal(raw, []byte("{finished: 1}")) { // the end of masscan's
			continue
		}
		if err := addRecord(raw, out, 0); err != nil {
			return err
		}
	}
}

// nextObject returns the bytes from the next opening brace to the one that
// closes it; braces in strings do not count.
func nextObject(b *bufio.Reader) ([]byte, error) {
	var out []byte
	depth, quoted, escaped := 0, false, false
	for {
		c, err := b.ReadByte()
		if errors.Is(err, io.EOF) && depth > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch {
		case depth == 0 && c != '{':
			continue
		case escaped:
			escaped = false
		case quoted:
			quoted, escaped = c != '"', c == '\\'
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
		if out = append(out, c); depth == 0 {
			return out, nil
		}
		if len(out) >= maxRecord {
			return nil, errLong
		}
	}
}

var errLong = errors.New("a record is longer than 8 MiB")

const maxWrapped = 4 // how deep records are wrapped at most

func addRecord(raw json.RawMessage, out *Result, depth int) error {
	var r record
	if err := unmarshalLoosely(raw, &r); err != nil {
		out.Skipped++
		return nil
	}
	if inner := r.wrapped(); len(inner) > 0 && depth < maxWrapped {
		for _, one := range inner {
			if err := addRecord(one, out, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	base, err := r.base()
	ports, named := r.ports()
	if err != nil || named && len(ports) == 0 {
		out.Skipped++
		return nil
	}
	if len(ports) == 0 {
		ports = []int{0}
	}
	for _, p := range ports {
		base.Port = p
		if err := out.add(base); err != nil {
			return err
		}
	}
	return nil
}

// wrapped are the records that r holds, if it is none itself.
func (r *record) wrapped() []json.RawMessage {
	if r.IP != "" || r.IPStr != "" || r.SAddr != "" || r.Domain != "" {
		return nil
	}
	out := append(r.Hits, r.Matches...)
	for _, one := range []json.RawMessage{r.Host, r.HostV1, r.Resource, r.Result} {
		if len(one) > 0 {
			out = append(out, one)
		}
	}
	return out
}

// unmarshalLoosely takes what fits: a field of another type than we know
// (Shodan's ip is a number) is left empty.
func unmarshalLoosely(raw []byte, r *record) error {
	err := json.Unmarshal(raw, r)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) && mismatch.Field != "" {
		return nil
	}
	return err
}

func (r *record) base() (Target, error) {
	host := r.IPStr
	for _, other := range []string{r.IP, r.SAddr, r.Domain} {
		if host == "" {
			host = other
		}
	}
	t, err := Parse(host)
	if err != nil {
		return t, err
	}
	t.Domain = r.Domain
	if t.Domain == "" && len(r.Hostnames) > 0 {
		t.Domain = r.Hostnames[0]
	}
	if !isName(t.Domain) {
		t.Domain = ""
	}
	t.Country = country(r.Location.CountryCode)
	t.ASN, t.Org = uint32(r.ASN), r.Org
	if t.ASN == 0 {
		t.ASN = uint32(r.AutonomousSystem.ASN)
	}
	if t.Org == "" {
		t.Org = r.AutonomousSystem.Name
	}
	return t, nil
}

// country returns a code of ISO 3166-1 in capitals, "" if it is none.
func country(s string) string {
	c := strings.ToUpper(s)
	if len(c) != 2 || c[0] < 'A' || c[0] > 'Z' || c[1] < 'A' || c[1] > 'Z' {
		return ""
	}
	return c
}

// ports returns the TCP ports of a record, and whether it named any port at all:
// one that names others only is not to be looked at by default ports.
func (r *record) ports() (out []int, named bool) {
	add := func(s service) {
		if s.Port == 0 || s.Port > 65535 {
			return
		}
		named = true
		if s.tcp() {
			out = append(out, int(s.Port))
		}
	}
	add(service{Port: r.Port, Proto: r.Transport})
	add(service{Port: r.SPort})
	for _, s := range r.Services {
		add(s)
	}
	var objects []service
	var numbers []number
	if json.Unmarshal(r.Ports, &objects) == nil {
		for _, o := range objects {
			add(o)
		}
	} else if json.Unmarshal(r.Ports, &numbers) == nil {
		for _, n := range numbers {
			add(service{Port: n})
		}
	}
	var modules map[string]service
	if json.Unmarshal(r.Data, &modules) == nil {
		for _, m := range modules {
			add(service{Port: m.Port})
		}
	}
	return out, named
}
