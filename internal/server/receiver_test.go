package server_test

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/peers"
)

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// enrolReceiver enrols a device that takes instances and starts storescp as
// that device, with its certificate. The archive's own certificate must verify
// for storescp as well.
func (r *running) enrolReceiver(t *testing.T) *peers.Peer {
	t.Helper()
	return r.enrolReceiverOf(t, "receiver", "RECEIVER", nil)
}

// enrolReceiverOf is enrolReceiver for one that takes no transfer syntaxes but
// those given.
func (r *running) enrolReceiverOf(t *testing.T, name, aet string, change func(*identity.Device), accepts ...string) *peers.Peer {
	t.Helper()
	port, err := peers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	d := r.enrol(t, name, aet, "echo", func(d *identity.Device) {
		d.Address = peers.Address(port)
		if change != nil {
			change(d)
		}
	})
	files := d.tls()
	return peers.Run(t, peers.Storescp{AET: aet, Listen: port, TLS: &files, Accepts: accepts})
}

func contains(t *testing.T, file, secret string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(secret))
}
