package target

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Format is a kind of list.
type Format string

// The formats. JSON covers Shodan, Censys, zgrab2 and masscan -oJ, which are told
// apart record by record; Lines covers host lists, zmap and masscan -oL.
const (
	Auto  Format = "auto"
	Lines Format = "lines"
	JSON  Format = "json"
	XML   Format = "xml" // nmap -oX, masscan -oX
)

// MaxTargets bounds what one survey takes in.
const MaxTargets = 4 << 20

// maxRecord bounds one line or one JSON object of a list.
const maxRecord = 8 << 20

// Result is what a list held.
type Result struct {
	Targets []Target
	Skipped int // records without an address, or that could not be read
}

var errTooMany = fmt.Errorf("more than %d targets", MaxTargets)

func (r *Result) add(t Target) error {
	if len(r.Targets) >= MaxTargets {
		return errTooMany
	}
	r.Targets = append(r.Targets, t)
	return nil
}

// Read reads a list. Records that make no sense are counted and skipped, since
// exports are often cut or mended by hand; a list that cannot be read to its end
// is an error.
func Read(r io.Reader, f Format) (*Result, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if f == Auto || f == "" {
		f = detect(b)
	}
	out := &Result{}
	var err error
	switch f {
	case JSON:
		err = readJSON(b, out)
	case XML:
		err = readXML(b, out)
	case Lines:
		err = readLines(b, out)
	default:
		return nil, fmt.Errorf("no such format: %q", f)
	}
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	return out, nil
}

func detect(b *bufio.Reader) Format {
	head, _ := b.Peek(4096)
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(head) == 0:
		return Lines
	case head[0] == '{', bytes.HasPrefix(head, []byte("[{")), bytes.HasPrefix(head, []byte("[\n")), bytes.HasPrefix(head, []byte("[\r\n")):
		return JSON
	case head[0] == '<':
		return XML
	}
	return Lines
}

// readLines reads host lists, zmap's CSV (saddr, and sport if there is one) and
// masscan's -oL ("open tcp 104 192.0.2.1 1700000000").
func readLines(b *bufio.Reader, out *Result) error {
	lines := bufio.NewScanner(b)
	lines.Buffer(make([]byte, 0, 64<<10), maxRecord)
	columns := map[string]int{"saddr": 0}
	for first := true; lines.Scan(); {
		line, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "\xef\xbb\xbf"), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		fields := strings.FieldsFunc(line, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == ';' })
		for i, f := range fields {
			fields[i] = strings.Trim(f, `"`)
		}
		if first && isHeader(fields) {
			columns = header(fields)
			first = false
			continue
		}
		first = false
		t, err := fromFields(fields, columns)
		if err != nil {
			out.Skipped++
			continue
		}
		if err := out.add(t); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return errors.New("a line is longer than 8 MiB")
	}
	return lines.Err()
}

func isHeader(fields []string) bool {
	for _, f := range fields {
		switch strings.ToLower(f) {
		case "saddr", "ip", "ip_str", "address":
			return true
		}
	}
	return false
}

func header(fields []string) map[string]int {
	names := map[string]string{"ip": "saddr", "ip_str": "saddr", "address": "saddr", "port": "sport"}
	columns := map[string]int{}
	for i, f := range fields {
		f = strings.ToLower(f)
		if n := names[f]; n != "" {
			f = n
		}
		columns[f] = i
	}
	return columns
}

func fromFields(fields []string, columns map[string]int) (Target, error) {
	if len(fields) >= 4 && (fields[0] == "open" || fields[0] == "banner") {
		if fields[1] != "tcp" {
			return Target{}, errors.New("not TCP")
		}
		return Parse(joinPort(fields[3], fields[2]))
	}
	if len(fields) == 0 {
		return Target{}, errors.New("no fields")
	}
	column := func(name string) string {
		if i, ok := columns[name]; ok && i < len(fields) {
			return fields[i]
		}
		return ""
	}
	if port := column("sport"); port != "" {
		return Parse(joinPort(column("saddr"), port))
	}
	return Parse(column("saddr"))
}

func joinPort(host, port string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}
