package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tresor-pacs/tresor/internal/dicomweb"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestOpenAPIGolden shows a change of the surface as a difference.
func TestOpenAPIGolden(t *testing.T) {
	got, err := dicomweb.OpenAPI("https://archive.example/dicom-web")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the description is another: go test ./internal/dicomweb -run OpenAPI -update, and look at the difference")
	}
}

// TestOpenAPIServed compares the description with the routes.
func TestOpenAPIServed(t *testing.T) {
	r := start(t).get("/openapi.json")
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Responses   map[string]struct{ Content map[string]any }
			Parameters  []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(r.body, &d); err != nil || r.status != 200 || d.OpenAPI != "3.1.0" {
		t.Fatalf("%d %v", r.status, err)
	}
	ids := map[string]bool{}
	for _, route := range dicomweb.Routes() {
		act, ok := d.Paths[route.Pattern][strings.ToLower(route.Method)]
		if !ok || ids[act.OperationID] {
			t.Errorf("%s %s is not described, or its name is taken: %s", route.Method, route.Pattern, act.OperationID)
		}
		ids[act.OperationID] = true
		if len(act.Responses["200"].Content) == 0 {
			t.Errorf("%s says not what it answers", act.OperationID)
		}
		inPath := 0
		for _, p := range act.Parameters {
			if p.In == "path" {
				inPath++
			}
		}
		if inPath != strings.Count(route.Pattern, "{") {
			t.Errorf("%s has %d variables", route.Pattern, inPath)
		}
	}
}
