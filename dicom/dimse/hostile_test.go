package dimse

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/corpus"
)

// hostile has, for each stream of the corpus, what our answer looks like in the
// words of describe. It is stricter than the manifest, which leaves a choice.
var hostile = map[string]string{
	"cmd-group-length-lie":    "AC C-ECHO-RSP/0000 open", // the group length is not used
	"dataset-before-command":  "AC ABORT/0/0",
	"http-get":                "ABORT/2/1",
	"pdata-first":             "ABORT/2/2",
	"pdu-type-ff":             "ABORT/2/1",
	"pdv-length-0":            "AC ABORT/2/6",
	"pdv-length-overrun":      "AC ABORT/2/6",
	"pdv-unknown-context":     "AC ABORT/2/6",
	"release-then-data":       "AC RELEASE-RP",
	"rq-200-contexts":         "ABORT/2/6",
	"rq-ae-control-chars":     "RJ/1/1/3",
	"rq-bad-appcontext":       "RJ/1/1/2",
	"rq-even-context-id":      "ABORT/2/6",
	"rq-length-ffffffff":      "ABORT/2/6",
	"rq-length-short":         "ABORT/2/6",
	"rq-long-uid":             "ABORT/2/6",
	"rq-maxpdu-0-1":           "RJ/1/1/1",
	"rq-no-contexts":          "ABORT/2/6",
	"rq-subitem-overrun":      "ABORT/2/6",
	"rq-version-0":            "RJ/1/2/2",
	"rq-wrong-called":         "RJ/1/1/7",
	"store-no-sopuid":         "AC C-STORE-RSP/0120 open",
	"store-truncated-dataset": "AC C-STORE-RSP/C000 open",
	"store-uid-mismatch":      "AC C-STORE-RSP/A900 open",
	"tls-clienthello":         "ABORT/2/1",
	"valid-echo":              "AC C-ECHO-RSP/0000 RELEASE-RP",
}

// storeAndLook is a storage SCP as far as the hostile streams need one.
func storeAndLook(_ context.Context, _ ResponseWriter, r *Request) error {
	ds, err := r.ReadDataSet(1 << 20)
	if err != nil {
		return StatusCannotUnderstand
	}
	if ds.UID(dict.SOPInstanceUID) != r.SOPInstance || ds.UID(dict.SOPClassUID) != r.SOPClass {
		return StatusDataSetMismatch
	}
	return nil
}

// TestHostileStreams sends every stream of the corpus and compares the answer.
// Afterwards the server serves others, and has not taken much memory.
func TestHostileStreams(t *testing.T) {
	rows := corpus.Rows(t, "hostile/dimse/")
	if len(rows) != len(hostile) {
		t.Errorf("%d streams, %d expectations", len(rows), len(hostile))
	}
	s := startSCPWith(t, routes{CEchoRQ: echoHandler, CStoreRQ: storeAndLook}.route, ServeOptions{},
		ul.Options{ARTIM: 2 * time.Second})
	other := dial(t, s, DialOptions{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, row := range rows {
		t.Run(filepath.Base(row.Path()), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(corpus.Dir(t), row.Path()))
			if err != nil {
				t.Fatal(err)
			}
			want := hostile[strings.TrimSuffix(filepath.Base(row.Path()), ".bin")]
			if got := converse(t, s.addr, b, strings.HasSuffix(want, "open")); got != want {
				t.Errorf("answered %q, want %q; manifest: %s", got, want, row["expected_error"])
			}
			if status, err := other.Echo(t.Context()); err != nil || status != StatusSuccess {
				t.Errorf("another association: %v, %v", status, err)
			}
		})
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("%d MiB were taken", grown>>20)
	}
}

// converse sends a stream and describes what comes back until the server closes
// or, if the association is expected to stay open, until it is silent.
func converse(t *testing.T, addr string, stream []byte, open bool) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go conn.Write(stream)
	wait := 5 * time.Second
	if open {
		wait = 300 * time.Millisecond
	}
	conn.SetReadDeadline(time.Now().Add(wait))
	answer, err := io.ReadAll(conn)
	words := describe(answer)
	if err != nil {
		words = append(words, "open")
	}
	return strings.Join(words, " ")
}

// describe puts PDUs into words.
func describe(b []byte) []string {
	var words []string
	for len(b) >= 6 {
		n := int(binary.BigEndian.Uint32(b[2:])) + 6
		if n > len(b) {
			break
		}
		words = append(words, describePDU(ul.PDUType(b[0]), b[6:n]))
		b = b[n:]
	}
	if len(b) > 0 {
		words = append(words, "rubbish")
	}
	return words
}

func describePDU(t ul.PDUType, body []byte) string {
	switch t {
	case ul.PDUAssociateAC:
		return "AC"
	case ul.PDUAssociateRJ:
		return fmt.Sprintf("RJ/%d/%d/%d", body[1], body[2], body[3])
	case ul.PDUAbort:
		return fmt.Sprintf("ABORT/%d/%d", body[2], body[3])
	case ul.PDUReleaseRP:
		return "RELEASE-RP"
	case ul.PDUData:
		c, err := ParseCommand(body[6:])
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%v/%04X", c.Field, uint16(c.Status))
	}
	return t.String()
}
