package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packages names the Debian package that each program comes from.
var packages = map[string]string{
	"Orthanc":  "orthanc",
	"stunnel4": "stunnel4",
	"tshark":   "tshark",
	"nmap":     "nmap",
	"openssl":  "openssl",
	"dciodvfy": "dicom3tools",

	DICOMwebPlugin: "orthanc-dicomweb",
}

func packageOf(tool string) string {
	if p, ok := packages[tool]; ok {
		return p
	}
	return "dcmtk"
}

// Find returns the path of a program, or of a file with an absolute path;
// servers may lie where only root looks.
func Find(tool string) (string, error) {
	if filepath.IsAbs(tool) {
		_, err := os.Stat(tool)
		return tool, err
	}
	path, err := exec.LookPath(tool)
	if err == nil {
		return path, nil
	}
	sbin := filepath.Join("/usr/sbin", tool)
	if _, statErr := os.Stat(sbin); statErr == nil {
		return sbin, nil
	}
	return "", err
}

// Missing returns the Debian packages that the programs need and that are not
// installed.
func Missing(tools ...string) []string {
	var missing []string
	for _, t := range tools {
		if _, err := Find(t); err != nil && !slices.Contains(missing, packageOf(t)) {
			missing = append(missing, packageOf(t))
		}
	}
	return missing
}

// Need skips the test, naming the Debian packages, if a program is not installed.
func Need(tb testing.TB, tools ...string) {
	tb.Helper()
	if missing := Missing(tools...); len(missing) > 0 {
		tb.Skipf("skipped: needs the Debian package %s", strings.Join(missing, ", "))
	}
}
