package server_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// axe-core (MPL-2.0) checks pages for WCAG. It is fetched at test time and never
// becomes part of the archive.
const (
	axePackage   = "axe-core@4.11.0"
	axeFile      = "axe-core-4.11.0.tgz"
	axeIntegrity = "ilYanEU8vxxBexpJd8cWM4ElSQq4QctCLKih0TSfjIfCQTeyH/6zVrmIJfLPrKTKJRbiG+cfnZbQIjAlJmF1jQ=="
)

// axeCore returns axe-core's script from the user's cache, where npm puts it the
// first time; without it the test is skipped.
func axeCore(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("there is no folder for caches:", err)
	}
	dir := filepath.Join(cache, "tresor-tests")
	packed, err := os.ReadFile(filepath.Join(dir, axeFile))
	if err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("npm", "pack", "--silent", axePackage)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("axe-core cannot be had, the pages are not checked for accessibility: npm pack %s: %v\n%s", axePackage, err, out)
		}
		if packed, err = os.ReadFile(filepath.Join(dir, axeFile)); err != nil {
			t.Fatal(err)
		}
	}
	if sum := sha512.Sum512(packed); base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		t.Fatalf("%s in %s is not what it should be: remove it", axeFile, dir)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(unzipped); ; {
		h, err := files.Next()
		if err != nil {
			t.Fatal("axe.min.js: ", err)
		}
		if h.Name == "package/axe.min.js" {
			b, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
}
