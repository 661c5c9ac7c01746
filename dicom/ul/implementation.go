package ul

import (
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// What we say about ourselves (PS3.7 section D.3.3.2), unless Options say
// something else.
const (
	ImplementationClassUID dicom.UID = "2.25.250341287069128397471238402984619238471"
	ImplementationVersion  string    = "TRESOR_1"
)

// maxVersionName is the longest an implementation version name may be.
const maxVersionName = 16

// parseImplementationVersion reads an implementation version name (PS3.7
// section D.3.3.2.3): 1 to 16 characters.
func parseImplementationVersion(value []byte) (string, error) {
	s := strings.Trim(string(value[:min(len(value), maxVersionName+1)]), " \x00")
	if len(s) > maxVersionName || len(value) > maxVersionName {
		return "", errVersionName
	}
	return s, nil
}
