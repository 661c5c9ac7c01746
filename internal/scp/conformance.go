package scp

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// WriteSurface prints everything that is offered to the network, a line for
// each SOP class and each list of transfer syntaxes. A golden file holds it, so
// that a change of the surface shows as a difference.
func WriteSurface(w io.Writer) error {
	for _, s := range Services() {
		if _, err := fmt.Fprintf(w, "%s (%s), as SCP, needs the right %q\n", s.Name, s.Where, s.Right); err != nil {
			return err
		}
		if s.Extended != nil {
			fmt.Fprintln(w, "  extended negotiation is answered")
		}
		fmt.Fprintf(w, "  transfer syntaxes: %s\n", strings.Join(syntaxNames(s), ", "))
		for _, u := range slices.Sorted(slices.Values(s.SOPClasses)) {
			if _, err := fmt.Fprintf(w, "  %s  %s\n", u, uidName(u)); err != nil {
				return err
			}
		}
	}
	return nil
}

func syntaxNames(s *Service) []string {
	if s.TransferSyntaxes == nil {
		return []string{"all of PS3.6 annex A"}
	}
	var names []string
	for _, u := range s.TransferSyntaxes {
		names = append(names, uidName(u))
	}
	return names
}

func uidName(u dicom.UID) string {
	if e, ok := dict.LookupUID(u); ok {
		return e.Name
	}
	return "private"
}
