package server_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/peers"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// TestOrthanc has Orthanc as sender, as querier, and as receiver of C-MOVE, all
// over TLS with the certificate of one device.
func TestOrthanc(t *testing.T) {
	peers.Need(t, "Orthanc")
	r := start(t)
	port, err := peers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	d := r.enrol(t, "orthanc", "ORTHANC", "echo,store,find,move", func(d *identity.Device) { d.Address = peers.Address(port) })
	files := d.tls()
	orthanc := peers.Run(t, peers.Orthanc{TLS: &files, Listen: port, Knows: map[string]peers.Modality{
		"tresor": {AET: "TRESOR", Port: atoi(t, r.port(t)), TLS: true}}})
	api := orthanc.API()
	if err := api.Echo("tresor"); err != nil {
		t.Fatal(err)
	}
	list := samples(t, encoding.ExplicitLE, synth.Options{Count: 3, Rows: 32, Columns: 32})
	var ids []string
	for _, s := range list {
		b, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		id, err := api.Upload(b)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if failed, err := api.Store("tresor", ids...); err != nil || failed != 0 {
		t.Fatalf("Orthanc sends: %d failed, %v", failed, err)
	}
	query, answers, err := api.Query("tresor", "Study", map[string]string{"PatientID": list[0].Header.String(dict.PatientID)})
	if err != nil || len(answers) != 1 {
		t.Fatalf("Orthanc queries: %v, %v", answers, err)
	}
	for _, id := range ids {
		if err := api.Do("DELETE", "/instances/"+id, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := api.Retrieve(query, "ORTHANC"); err != nil {
		t.Fatalf("Orthanc retrieves: %v", err)
	}
	if err := api.WaitInstances(3, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	back, err := api.File(ids[0])
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := encoding.ParseFile(back, encoding.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pixels := func(ds *dicom.DataSet) []byte { return ds.Get(dict.PixelData).Data }
	if !bytes.Equal(pixels(got), pixels(list[0].DataSet())) {
		t.Error("other pixels came back")
	}
}
