package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// Agent returns the User-Agent of a survey: who asks, where to read about it,
// and whom to write to.
func Agent(url, contact string) string {
	clean := func(s string) string {
		return strings.NewReplacer("(", "", ")", "", ";", "").Replace(printable(s, 200))
	}
	s := ImplementationVersion + " (+" + clean(url)
	if contact != "" {
		s += "; " + clean(contact)
	}
	return s + ")"
}

// Steps tells what would be sent to a port, for a dry run.
func (p *Prober) Steps(port int) []string {
	level := min(p.Level, p.Guard.MaxLevel())
	out := []string{fmt.Sprintf("L1 at most %d TCP connections, one after the other", MaxConnections)}
	if level >= scope.L2 {
		out[0] += fmt.Sprintf("; to a web server at most %d more, one a request", webRequests)
	}
	if slices.Contains(tlsPorts, port) || slices.Contains(httpsPorts, port) {
		out = append(out, "L1 TLS ClientHello")
	} else if level >= scope.L2 {
		out = append(out, "L1 TLS ClientHello if plain DICOM is not answered")
	}
	if level >= scope.L2 {
		out = append(out,
			fmt.Sprintf("L2 A-ASSOCIATE-RQ from %s to %s: Verification, Study Root FIND, MOVE and GET, CT Image Storage, Modality Worklist FIND; A-RELEASE-RQ", p.calling(), p.called()),
			"L2 if it is a web server: GET / and /system and one path that cannot exist")
	}
	if level >= scope.L3 {
		out = append(out, "L3 C-ECHO-RQ")
	}
	if level >= scope.L4 {
		out = append(out, "L4 C-FIND-RQ at the study level for a StudyInstanceUID made for this",
			"L4 if it is a web server: GET "+strings.Join(roots, "/studies, ")+"/studies for such a StudyInstanceUID",
			"L4 if it is a web server: GET "+strings.Join(wadoPaths, wadoNothing+", ")+wadoNothing+", which names no object")
	}
	if level >= scope.L5 {
		out = append(out, fmt.Sprintf("L5 if queries are permitted: C-FIND-RQ by study dates, at most %d answers counted (%s), or GET /statistics, or GET studies by offset, two bytes read (at most %d requests)", DefaultSizeLimit, p.Guard.Size(), maxOffsetRequests))
	}
	return out
}
