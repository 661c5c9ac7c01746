package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The clients of others that the test drives, and what they need under Node.
var nodePackages = []string{"dicomweb-client@0.11.3", "dcmjs@0.52.2", "xhr2@0.2.1"}

// nodeModules fetches the clients into a folder of the user's cache, once, and
// returns it; it skips the test where they cannot be had.
func nodeModules(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("skipped: %s is not installed", tool)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip("skipped: there is no cache folder for the clients")
	}
	dir := filepath.Join(cache, "tresor-tests", "dicomweb-clients-1")
	done := filepath.Join(dir, "complete")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("skipped: no folder for the clients: %v", err)
	}
	args := append([]string{"install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--prefix", dir}, nodePackages...)
	if out, err := exec.CommandContext(t.Context(), "npm", args...).CombinedOutput(); err != nil {
		t.Skipf("skipped: dicomweb-client and dcmjs cannot be had from npm: %v: %.300s", err, out)
	}
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestNodeClients lets dicomweb-client search, retrieve, render and store over
// HTTPS, and dcmjs read and write the files.
func TestNodeClients(t *testing.T) {
	modules := nodeModules(t)
	f := start(t)
	server := httptest.NewTLSServer(f.handler)
	t.Cleanup(server.Close)
	ours := &subject{server.URL + "/dicom-web", server.Client()}
	ours.fill(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "clients.js"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script, ours.root, ruleStudy, ruleSeries, ruleInstance)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(modules, "node_modules"), "NODE_EXTRA_CA_CERTS="+ca)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes()[max(0, stderr.Len()-2000):])
	}
	lines := bytes.Split(bytes.TrimSpace(stdout.Bytes()), []byte("\n"))
	var got map[string]any
	if err := json.Unmarshal(lines[len(lines)-1], &got); err != nil {
		t.Fatalf("%v: %s", err, stdout.String())
	}
	for what, want := range map[string]any{
		"studies": 1., "series": 2., "instances": 2., "nothing": 0., "metadata": 2., "study": 3.,
		"name": "Müller^Jürgen", "patient": "4711", "files": 2., "frame": 6144., "bulk": 6144.,
		"png": "PNG", "jpeg": 65496., "thumbnail": 65496.,
		"stored": 4., "back": "1.2.826.0.1.3680043.8.498.77.2",
	} {
		if got[what] != want {
			t.Errorf("%s: %v, not %v", what, got[what], want)
		}
	}
}
