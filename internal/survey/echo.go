package survey

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// echo performs L3, C-ECHO (PS3.4 annex A), and reports whether the association
// can go on.
func (l *look) echo(x *exchange) bool {
	status, err := x.echo()
	if err != nil {
		l.r.Echo = "no answer"
		return false
	}
	l.reached(scope.L3)
	l.r.Echo = statusText(status)
	return true
}

// statusText writes a status as scripts read it.
func statusText(s dimse.Status) string { return fmt.Sprintf("0x%04X", uint16(s)) }
