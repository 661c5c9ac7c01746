package target

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// columnNames are the names that zmap, Shodan, Censys and spreadsheets give to
// what is read of a table. Where two of a kind are there the later one of this
// list is taken: Shodan's ip is a number.
var columnNames = []struct{ name, of string }{
	{"host", "address"}, {"address", "address"}, {"ip", "address"}, {"ip address", "address"}, {"saddr", "address"}, {"ip_str", "address"},
	{"services.port", "port"}, {"sport", "port"}, {"port", "port"},
	{"country", "country"}, {"country_code", "country"}, {"location.country_code", "country"},
	{"asn", "asn"}, {"autonomous_system.asn", "asn"},
	{"autonomous_system.name", "org"}, {"org", "org"},
}

// heading returns where the columns of a table are and what divides them, nil if
// a line is no heading.
func heading(line string) (columns map[string]int, comma rune) {
	comma = ','
	for _, c := range "\t;" {
		if strings.ContainsRune(line, c) && !strings.Contains(line, ",") {
			comma = c
		}
	}
	at := map[string]int{}
	for i, f := range strings.Split(line, string(comma)) {
		at[strings.ToLower(strings.Trim(strings.TrimSpace(f), `"`))] = i
	}
	columns = map[string]int{}
	for _, c := range columnNames {
		if i, ok := at[c.name]; ok {
			columns[c.of] = i
		}
	}
	if _, ok := columns["address"]; !ok {
		return nil, 0
	}
	return columns, comma
}

// readTable reads what follows the heading.
func readTable(b *bufio.Reader, columns map[string]int, comma rune, out *Result) error {
	limited := &limitReader{r: b}
	c := csv.NewReader(limited)
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = comma, true, -1, true
	for {
		limited.left = maxRecord
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("table: %w", err)
		}
		if err := addRow(row, columns, out); err != nil {
			return err
		}
	}
}

func addRow(row []string, columns map[string]int, out *Result) error {
	field := func(of string) string {
		if i, ok := columns[of]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	t, err := Parse(field("address"))
	if err != nil {
		out.Skipped++
		return nil
	}
	t.Country, t.ASN, t.Org = country(field("country")), uint32(toNumber(field("asn"))), field("org")
	added := false
	for p := range strings.FieldsFuncSeq(field("port"), func(c rune) bool { return c < '0' || c > '9' }) {
		if n := toNumber(p); n >= 1 && n <= 65535 {
			added, t.Port = true, int(n)
			if err := out.add(t); err != nil {
				return err
			}
		}
	}
	if added {
		return nil
	}
	return out.add(t)
}

// limitReader bounds how much one record may make a reader hold.
type limitReader struct {
	r    io.Reader
	left int
}

// Read reads at most what is left of the record's share.
func (l *limitReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLong
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
