package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// CSV writes a line for each system. A field that a spreadsheet would take for a
// formula gets an apostrophe before it.
func CSV(w io.Writer, s *Survey) error {
	c := csv.NewWriter(w)
	c.Write([]string{"ip", "port", "domain", "country", "asn", "network", "state", "severity", "vector", "rung",
		"product", "version", "studies", "images", "findings", "time",
		"studies_low", "studies_high"})
	for _, e := range s.Systems {
		r := result(e)
		var low, high string
		if a := studiesOf(r); a.known {
			low, high = strconv.FormatInt(a.low, 10), strconv.FormatInt(a.high, 10)
			if a.least {
				high = ""
			}
		}
		var ids []string
		for _, f := range r.Findings {
			ids = append(ids, f.ID)
		}
		c.Write([]string{e.IP.String(), strconv.Itoa(e.Port), plain(e.Domain), r.Country, strconv.FormatUint(uint64(r.ASN), 10),
			plain(r.Network), string(r.State), fmt.Sprintf("%.1f", r.Severity), r.Vector, r.Rung.String(),
			plain(r.Product), plain(r.Version), count(r.Studies), count(r.Images), strings.Join(ids, " "),
			e.Data.DICOM.Timestamp.UTC().Format("2006-01-02T15:04:05Z"), low, high})
	}
	c.Flush()
	return c.Error()
}

func plain(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
