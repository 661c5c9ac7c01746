package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct{ name, text, wrong string }{
		{"empty", "", ""},
		{"all", "aet = \"ARCHIVE\"\ndicom = \"0.0.0.0:2762\"\n[limits]\nidle = \"5m\"\nassociations = 10\n[log]\nlevel = \"debug\"\nformat = \"json\"\n", ""},
		{"unknown key", "aet = \"A\"\nport = 1\n", "port"},
		{"unknown key in a table", "[limits]\nidel = \"5m\"\n", "idel"},
		{"no TOML", "aet = ", ""},
		{"wrong type", "aet = 5\n", "aet"},
		{"AE title", "aet = \"THIS TITLE IS TOO LONG\"\n", "aet"},
		{"address", "dicom = \"2762\"\n", "dicom"},
		{"one port for both", "dicom = \"127.0.0.1:1\"\nhttps = \"127.0.0.1:1\"\n", "different ports"},
		{"negative", "[limits]\nidle = \"-5m\"\n", "positive"},
		{"sign-in", "[sign_in]\naddress = \"https://pacs.example\"\nsecond_factor = \"required\"\n", ""},
		{"sign-in at a plain address", "[sign_in]\naddress = \"http://pacs.example\"\n", "https://"},
		{"sign-in below a path", "[sign_in]\naddress = \"https://example/pacs\"\n", "https://"},
		{"no such second factor", "[sign_in]\nsecond_factor = \"never\"\n", "required"},
		{"provider", oidcTable + "[oidc.roles]\nreaders = \"radiologist\"\n", ""},
		{"provider without roles", oidcTable, "roles"},
		{"provider with a role that is none", oidcTable + "[oidc.roles]\nreaders = \"root\"\n", "no role"},
		{"provider without issuer", "[oidc]\nclient_id = \"tresor\"\n", "issuer"},
		{"plain provider", strings.Replace(oidcTable, "https", "http", 1) + "[oidc.roles]\nreaders = \"radiologist\"\n", "https"},
		{"no associations", "[limits]\nassociations = 0\n", "positive"},
		{"level", "[log]\nlevel = \"loud\"\n", "loud"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "tresor.toml"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadConfig(dir, "")
			good := slices.Contains([]string{"empty", "all", "sign-in", "provider"}, c.name)
			if good != (err == nil) || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Fatalf("%+v, %v", got, err)
			}
			if c.name == "all" && (got.AET != "ARCHIVE" || time.Duration(got.Limits.Idle) != 5*time.Minute || got.Limits.Associations != 10 || got.HTTPS != "127.0.0.1:8443") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestConfigDefaultsAreLoopbackAndNeedNoFile(t *testing.T) {
	c, err := LoadConfig(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.DICOM, "127.0.0.1:") || !strings.HasPrefix(c.HTTPS, "127.0.0.1:") {
		t.Errorf("%+v", c)
	}
	if _, err := LoadConfig(t.TempDir(), "/nonexistent/tresor.toml"); err == nil {
		t.Error("a file that was named must be there")
	}
}

const oidcTable = "[oidc]\nissuer = \"https://id.example/realms/clinic\"\nclient_id = \"tresor\"\nrole_claim = \"realm_access.roles\"\n"
