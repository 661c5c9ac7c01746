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
	Port             number          `json:"port"`
	Ports            json.RawMessage `json:"ports"` // masscan: objects; others: numbers
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
	Host json.RawMessage `json:"host"` // Censys nests its record in newer exports
}

type location struct {
	CountryCode string `json:"country_code"`
}

type service struct {
	Port number `json:"port"`
}

// number is a number that some tools write as text, with AS before it or not.
// What is none is 0.
type number uint32

// UnmarshalJSON never fails: a field that makes no sense is as good as absent.
func (n *number) UnmarshalJSON(b []byte) error {
	s := strings.ToUpper(strings.Trim(string(b), `"`))
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "AS"), 10, 32)
	if err == nil {
		*n = number(v)
	}
	return nil
}

// readJSON reads an array of records, records one after the other, or lines.
func readJSON(b *bufio.Reader, out *Result) error {
	if head, _ := b.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		b.Discard(3)
	}
	limited := &limitReader{r: b}
	d := json.NewDecoder(limited)
	inArray := false
	for {
		limited.left = maxRecord
		if inArray && !d.More() {
			return nil
		}
		if !inArray && peekArray(d, b) {
			inArray = true
			if _, err := d.Token(); err != nil {
				return err
			}
			continue
		}
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", len(out.Targets)+out.Skipped+1, err)
		}
		if err := addRecord(raw, out, 0); err != nil {
			return err
		}
	}
}

// peekArray reports whether the list is one array: only looked at before the
// decoder has read anything.
func peekArray(d *json.Decoder, b *bufio.Reader) bool {
	if d.InputOffset() != 0 {
		return false
	}
	head, _ := b.Peek(64)
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && head[0] == '['
}

// limitReader bounds how much one record may make the decoder hold.
type limitReader struct {
	r    io.Reader
	left int
}

// Read reads at most what is left of the record's share.
func (l *limitReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("a record is longer than 8 MiB")
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

func addRecord(raw json.RawMessage, out *Result, depth int) error {
	var r record
	if err := unmarshalLoosely(raw, &r); err != nil {
		out.Skipped++
		return nil
	}
	if len(r.Host) > 0 && r.IP == "" && r.IPStr == "" && depth == 0 {
		return addRecord(r.Host, out, 1)
	}
	base, err := r.base()
	if err != nil {
		out.Skipped++
		return nil
	}
	ports := r.ports()
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
	if host == "" {
		host = r.IP
	}
	if host == "" {
		host = r.Domain
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
	if c := strings.ToUpper(r.Location.CountryCode); len(c) == 2 && c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z' {
		t.Country = c
	}
	t.ASN, t.Org = uint32(r.ASN), r.Org
	if t.ASN == 0 {
		t.ASN = uint32(r.AutonomousSystem.ASN)
	}
	if t.Org == "" {
		t.Org = r.AutonomousSystem.Name
	}
	return t, nil
}

func (r *record) ports() []int {
	var out []int
	add := func(n number) {
		if n >= 1 && n <= 65535 {
			out = append(out, int(n))
		}
	}
	add(r.Port)
	for _, s := range r.Services {
		add(s.Port)
	}
	var objects []service
	var numbers []number
	if json.Unmarshal(r.Ports, &objects) == nil {
		for _, o := range objects {
			add(o.Port)
		}
	} else if json.Unmarshal(r.Ports, &numbers) == nil {
		for _, n := range numbers {
			add(n)
		}
	}
	var modules map[string]service
	if json.Unmarshal(r.Data, &modules) == nil {
		for _, m := range modules {
			add(m.Port)
		}
	}
	return out
}
