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
	case head[0] == '{', head[0] == '[' && opensRecords(head[1:]):
		return JSON
	case head[0] == '<':
		return XML
	}
	return Lines
}

// opensRecords tells an array of records from a list that begins with an IPv6
// address in brackets.
func opensRecords(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == ']')
}

// readLines reads host lists, an address with its port after it or not, and
// masscan's -oL ("open tcp 104 192.0.2.1 1700000000"). A list that begins with
// the names of its columns is a table.
func readLines(b *bufio.Reader, out *Result) error {
	for first := true; ; {
		text, err := readLine(b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _, _ := strings.Cut(strings.TrimPrefix(text, "\xef\xbb\xbf"), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if first {
			first = false
			if columns, comma := heading(line); columns != nil {
				return readTable(b, columns, comma, out)
			}
		}
		fields := strings.FieldsFunc(line, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == ';' })
		for i, f := range fields {
			fields[i] = strings.Trim(f, `"`)
		}
		t, err := fromFields(fields)
		if err != nil {
			out.Skipped++
			continue
		}
		if err := out.add(t); err != nil {
			return err
		}
	}
}

// readLine returns the next line without its end.
func readLine(b *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		if len(line)+len(part) > maxRecord {
			return "", errLong
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0, err != nil && !errors.Is(err, io.EOF):
			return "", err
		}
		return strings.TrimRight(string(line), "\r\n"), nil
	}
}

func fromFields(fields []string) (Target, error) {
	if len(fields) >= 4 && (fields[0] == "open" || fields[0] == "banner") {
		if fields[1] != "tcp" {
			return Target{}, errors.New("not TCP")
		}
		return Parse(joinPort(fields[3], fields[2]))
	}
	if len(fields) == 0 {
		return Target{}, errors.New("no fields")
	}
	if len(fields) > 1 {
		if t, err := Parse(joinPort(fields[0], fields[1])); err == nil {
			return t, nil
		}
	}
	return Parse(fields[0])
}

func joinPort(host, port string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}
