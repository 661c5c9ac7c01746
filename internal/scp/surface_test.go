package scp

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var update = flag.Bool("update", false, "write the golden files")

// TestSurface holds what is offered to the network: a change of it must show up.
func TestSurface(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSurface(&b); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/surface.txt"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("the surface has changed (%v); look at it and run the test with -update", err)
	}
}

func TestEveryServiceNeedsARightAndNoAbstractSyntaxIsDeclaredTwice(t *testing.T) {
	seen := map[dicom.UID]string{}
	for _, s := range Services() {
		if !slices.Contains(policy.DeviceRights, s.Right) || s.handle == nil || s.Where == "" {
			t.Errorf("%s: right %q", s.Name, s.Right)
		}
		for _, u := range s.SOPClasses {
			if e, ok := dict.LookupUID(u); !ok {
				t.Errorf("%s: %s is not in the registry", s.Name, u)
			} else if other := seen[u]; other != "" {
				t.Errorf("%s belongs to %s and %s", e.Name, other, s.Name)
			}
			seen[u] = s.Name
		}
	}
}

func TestNoStorageOfDirectoriesAndNonPatientObjects(t *testing.T) {
	for _, u := range append(nonPatient, dict.UIDMediaStorageDirectoryStorage) {
		if serviceOf(u) != nil {
			t.Errorf("%s is taken", u)
		}
	}
}
