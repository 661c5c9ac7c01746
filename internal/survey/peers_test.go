package survey_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// loopback is a guard that permits everything on loopback.
func loopback(t testing.TB, size string) *scope.Guard {
	t.Helper()
	guards.Lock()
	defer guards.Unlock()
	if g := guards.made[size]; g != nil {
		return g
	}
	g, err := loopbackGuard(size, allPorts())
	if err != nil {
		t.Fatal(err)
	}
	guards.made[size] = g
	return g
}

// loopbackGuard is the guard of a scope with those ports, commas between them.
func loopbackGuard(size, ports string) (*scope.Guard, error) {
	file := fmt.Sprintf("id = \"simulator\"\nowner = \"Example CERT\"\nlegal_basis = \"test\"\ncontact = \"cert@example.org\"\nvalid_until = 2100-01-01\n"+
		"networks = [\"127.0.0.0/12\"]\nports = [%s]\nmax_level = 5\nsize = %q\n", ports, size)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	signed, err := scope.Sign([]byte(file), key)
	if err != nil {
		return nil, err
	}
	s, err := scope.Parse(signed)
	if err != nil {
		return nil, err
	}
	return scope.NewGuard(s, nil), s.Usable(time.Now())
}

// guards are kept: a scope with every port is long.
var guards = struct {
	sync.Mutex
	made map[string]*scope.Guard
}{made: map[string]*scope.Guard{}}

func allPorts() string {
	list := make([]string, 0, 65535-1023)
	for p := 1024; p <= 65535; p++ {
		list = append(list, fmt.Sprint(p))
	}
	return strings.Join(list, ",")
}

func lookAt(t testing.TB, p survey.Prober, port int) *survey.Result {
	t.Helper()
	if p.Timeout == 0 {
		p.Timeout = 4 * time.Second
	}
	if p.Level == 0 {
		p.Level = scope.L5
	}
	e, err := p.Look(context.Background(), survey.Endpoint{Addr: netip.MustParseAddr("127.0.0.1"), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	return e.Data.DICOM.Result
}

func expect(t testing.TB, r *survey.Result, state survey.State, severity float64, ids ...string) {
	t.Helper()
	if r.State != state || r.Severity != severity {
		t.Errorf("state %s, severity %v (%s); want %s, %v: %+v", r.State, r.Severity, r.Vector, state, severity, r.Association)
	}
	for _, id := range ids {
		found := false
		for _, f := range r.Findings {
			found = found || f.ID == id && f.Title != "" && f.Remedy != ""
		}
		if !found {
			t.Errorf("%s is not among the findings %v", id, r.Findings)
		}
	}
}

func TestStorescp(t *testing.T) {
	peer := peers.Run(t, peers.Storescp{})
	r := lookAt(t, survey.Prober{Guard: loopback(t, "no")}, peer.Port)
	expect(t, r, survey.Stores, 5.7, "DXA004", "DXA005", "DXA007", "DXA011")
	if r.Product != "DCMTK" || r.Echo != "0x0000" || r.Rung != scope.L3 || len(peer.Files()) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestDcmqrscp(t *testing.T) {
	open := peers.Run(t, peers.Dcmqrscp{AET: "ANY-SCP"})
	r := lookAt(t, survey.Prober{Guard: loopback(t, "no")}, open.Port)
	expect(t, r, survey.Queryable, 8.5, "DXA001", "DXA006")
	other := peers.Run(t, peers.Dcmqrscp{AET: "OTHER"})
	r = lookAt(t, survey.Prober{Guard: loopback(t, "no")}, other.Port)
	expect(t, r, survey.Refused, 3.2, "DXA010")
	if r.Association.Reject != "1/1/7" {
		t.Errorf("reject %s", r.Association.Reject)
	}
}

// Orthanc as it comes accepts the FIND context and then aborts the query: it
// permits storing and refuses queries.
func TestOrthanc(t *testing.T) {
	peer := peers.Run(t, peers.Orthanc{Extra: map[string]any{
		"DicomAlwaysAllowFind": false, "DicomAlwaysAllowMove": false, "DicomAlwaysAllowGet": false}})
	r := lookAt(t, survey.Prober{Guard: loopback(t, "no")}, peer.Port)
	expect(t, r, survey.Stores, 6, "DXA005", "DXA006")
	if r.Query == nil || r.Query.Outcome != survey.QueryRefused || r.Query.Status != "A-ABORT" {
		t.Errorf("query %+v", r.Query)
	}
	web := lookAt(t, survey.Prober{Guard: loopback(t, "sample")}, peer.HTTP)
	expect(t, web, survey.WebOpen, 9.2, "DXA002", "DXA007")
	if web.Product != "Orthanc" || web.Version == "" || web.Studies == nil || *web.Studies != 0 {
		t.Errorf("%+v", web)
	}
}
