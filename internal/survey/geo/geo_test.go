package geo

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nets.csv")
	data := "network,country,asn,owner\n127.0.0.0/8,tr,AS64500,Clinic net\n127.9.0.0/16,FR,64501,\n# none\n::1/128,DE\n"
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for addr, want := range map[string]Info{
		"127.1.2.3": {"TR", 64500, "Clinic net"}, "127.9.2.3": {"FR", 64501, ""}, "::1": {Country: "DE"}, "10.0.0.1": {},
	} {
		if got := db.Lookup(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %+v, want %+v", addr, got, want)
		}
	}
	if (*DB)(nil).Lookup(netip.MustParseAddr("::1")) != (Info{}) {
		t.Error("a nil database knows something")
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"bad.csv": "a,b\nx,y\n", "bad.mmdb": "nothing"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
