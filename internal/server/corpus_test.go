package server_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/corpus"
	"github.com/tresor-pacs/tresor/internal/peers"
)

// corpusFile is a file of the corpus, taken apart without judging it.
type corpusFile struct {
	path            string
	class, instance dicom.UID
	syntax          dicom.UID
	data            []byte // the data set, as it lies in the file
}

// takeApart reads what has to be said to send the file's data set over DIMSE.
// Files without File Meta Information cannot be sent.
func takeApart(t *testing.T, path string) (corpusFile, error) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest := bytes.NewReader(b)
	r := bufio.NewReader(rest)
	meta, ts, err := encoding.ReadMeta(r)
	if err != nil {
		return corpusFile{}, err
	}
	f := corpusFile{path: path, data: b[len(b)-rest.Len()-r.Buffered():], syntax: meta.UID(dict.TransferSyntaxUID),
		class: meta.UID(dict.MediaStorageSOPClassUID), instance: meta.UID(dict.MediaStorageSOPInstanceUID)}
	if len(f.data)%2 == 1 {
		f.data = append(f.data, 0) // as it must be sent (PS3.8 section 9.3.5.1)
	}
	var ds dicom.DataSet
	_, err = encoding.NewDecoder(r, ts, encoding.Options{BulkPixelData: true}).ReadUntil(&ds, dict.SOPInstanceUID+1)
	if err == nil && !strings.Contains(path, "meta-uid-mismatch") { // the data set is right, as storescu has it
		f.class, f.instance = cmp.Or(ds.UID(dict.SOPClassUID), f.class), cmp.Or(ds.UID(dict.SOPInstanceUID), f.instance)
	}
	if f.class == "" || f.instance == "" || f.syntax == "" {
		return f, errors.New("the File Meta Information lacks what has to be said")
	}
	return f, nil
}

// send sends one file over an association of its own.
func (r *running) send(t *testing.T, d *device, f corpusFile) (dimse.Status, error) {
	t.Helper()
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: f.class, TransferSyntaxes: []dicom.UID{f.syntax}}}})
	if err != nil {
		return 0, err
	}
	defer client.Close(context.Background())
	result, err := client.Store(t.Context(), dimse.StoreRequest{SOPClass: f.class, SOPInstance: f.instance, TransferSyntax: f.syntax, DataSet: bytes.NewReader(f.data)})
	if err != nil {
		return 0, err
	}
	return result.Status, nil
}

// fetch fetches one instance back in its own transfer syntax.
func (r *running) fetch(t *testing.T, d *device, f corpusFile) ([]byte, error) {
	t.Helper()
	model := dict.UIDStudyRootQueryRetrieveInformationModelGet
	client, err := r.associate(t, d, ul.RequestOptions{
		Contexts: []ul.ProposedContext{{AbstractSyntax: model, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}}, {AbstractSyntax: f.class, TransferSyntaxes: []dicom.UID{f.syntax}}},
		Roles:    []ul.RoleSelection{{SOPClass: f.class, SCP: true}},
	})
	if err != nil {
		return nil, err
	}
	defer client.Close(context.Background())
	keys := new(dicom.DataSet)
	keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "IMAGE")
	keys.PutUID(dict.SOPInstanceUID, f.instance)
	var got bytes.Buffer
	result, err := client.Get(t.Context(), dimse.QueryRequest{SOPClass: model, Identifier: keys},
		dimse.HandlerFunc(func(_ context.Context, _ dimse.ResponseWriter, req *dimse.Request) error {
			_, err := got.ReadFrom(req.DataSet)
			return err
		}))
	if err == nil && result.Status != dimse.StatusSuccess {
		err = result.Status
	}
	return got.Bytes(), err
}

// TestCorpusIsStoredAndFetchedBackIdentical sends every file that a server must
// take, as it is, and compares what comes back byte by byte.
func TestCorpusIsStoredAndFetchedBackIdentical(t *testing.T) {
	dir := corpus.Dir(t)
	r := start(t)
	d := r.enrol(t, "hostile", "HOSTILE", "echo,store,find,get", nil)
	stored, seen := 0, map[dicom.UID][]byte{}
	for _, row := range corpus.Rows(t) {
		if !slices.Contains([]string{"accept", "accept-store-reject-render", "accept-sanitise"}, row.Expected()) {
			continue
		}
		f, err := takeApart(t, filepath.Join(dir, row.Path()))
		if err != nil {
			t.Errorf("%s: %v", row.Path(), err)
			continue
		}
		status, err := r.send(t, d, f)
		if len(f.instance) > dicom.MaxUIDLength {
			// The manifest takes such a UID in one file and refuses it in another
			// (hostile/files/uid-65.dcm); PS3.5 section 9.1 refuses it.
			if status != dimse.StatusDataSetMismatch {
				t.Errorf("%s: a UID of %d characters: %v, %v", row.Path(), len(f.instance), status, err)
			}
			continue
		}
		first, twice := seen[f.instance]
		switch {
		case err != nil:
			t.Errorf("%s: %v", row.Path(), err)
			continue
		case twice && !bytes.Equal(first, f.data):
			if status != dimse.StatusDuplicateSOPInstance {
				t.Errorf("%s: other bytes under a UID that is taken: %v", row.Path(), status)
			}
			continue
		case row.Expected() == "accept-store-reject-render" && status == dimse.StatusDataSetMismatch:
			continue
		case status != dimse.StatusSuccess:
			t.Errorf("%s: %v", row.Path(), status)
			continue
		}
		seen[f.instance] = f.data
		stored++
		back, err := r.fetch(t, d, f)
		if err != nil || !bytes.Equal(back, f.data) {
			t.Errorf("%s: %d bytes back of %d, %v", row.Path(), len(back), len(f.data), err)
		}
	}
	t.Logf("%d files stored and fetched back identical", stored)
	if stored < 300 {
		t.Errorf("only %d files were stored", stored)
	}
}

// TestHostileFiles sends what a server must refuse or may refuse, and looks
// after each whether the archive is well and memory is bounded.
func TestHostileFiles(t *testing.T) {
	dir := corpus.Dir(t)
	r := start(t)
	d := r.enrol(t, "hostile", "HOSTILE", "echo,store,find,get", nil)
	for _, row := range corpus.Rows(t, "hostile/files/", "hostile/preamble/", "conformance/", "charset/", "dicomdir/") {
		if row.Expected() == "accept" || row.Expected() == "accept-store-reject-render" || row.Expected() == "accept-sanitise" {
			continue
		}
		t.Run(strings.ReplaceAll(row.Path(), "/", "_"), func(t *testing.T) {
			f, err := takeApart(t, filepath.Join(dir, row.Path()))
			if err != nil {
				t.Skip("no client can send it, the parser's tests and STOW's have it: ", err)
			}
			if strings.Contains(row.Path(), "dup-sop-B") {
				a, err := takeApart(t, filepath.Join(dir, filepath.Dir(row.Path()), "dup-sop-A.dcm"))
				if err != nil {
					t.Fatal(err)
				}
				if status, err := r.send(t, d, a); err != nil || status != dimse.StatusSuccess {
					t.Fatal(status, err)
				}
			}
			before := heap()
			began := time.Now()
			status, err := r.send(t, d, f)
			took := time.Since(began)
			checkVerdict(t, row, status, err)
			if took > 5*time.Second {
				t.Errorf("the answer took %v", took)
			}
			if grown := int64(heap()) - int64(before); grown > 256<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
			if _, err := r.associateEcho(t, d); err != nil {
				t.Fatalf("the archive is not well afterwards: %v", err)
			}
			// Whatever it was, it is not stored under a name that it does not have.
			if status == dimse.StatusSuccess && err == nil {
				if back, err := r.fetch(t, d, f); err != nil || !bytes.Equal(back, f.data) {
					t.Errorf("%d bytes back of %d, %v", len(back), len(f.data), err)
				}
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

func (r *running) associateEcho(t *testing.T, d *device) (dimse.Status, error) {
	t.Helper()
	client, err := r.associate(t, d, ul.RequestOptions{Contexts: []ul.ProposedContext{{AbstractSyntax: dict.UIDVerification, TransferSyntaxes: []dicom.UID{encoding.ImplicitLE.UID}}}})
	if err != nil {
		return 0, err
	}
	defer client.Close(context.Background())
	return client.Echo(t.Context())
}

// checkVerdict compares the answer with the manifest.
func checkVerdict(t *testing.T, row corpus.Row, status dimse.Status, err error) {
	t.Helper()
	refused := errors.Is(err, dimse.ErrNoContext) || err == nil && isRefusal(status)
	stored := err == nil && status == dimse.StatusSuccess
	switch row.Expected() {
	case "reject", "parser-only":
		if !refused {
			t.Errorf("not refused: %v, %v (%s)", status, err, row["expected_error"])
		}
	default: // accept-lenient, reject-or-strip
		if !refused && !stored {
			t.Errorf("neither stored nor refused: %v, %v (%s)", status, err, row["expected_error"])
		}
	}
}

// isRefusal reports whether the status is one that a C-STORE may be refused with.
func isRefusal(s dimse.Status) bool {
	return s == dimse.StatusDuplicateSOPInstance || s == dimse.StatusSOPClassNotSupported ||
		s == dimse.StatusDataSetMismatch || s&0xFF00 == 0xA700 || s&0xF000 == 0xC000
}

// TestCorpusFromStorescu sends the corpus with DCMTK in its own transfer syntaxes.
func TestCorpusFromStorescu(t *testing.T) {
	dir := corpus.Dir(t)
	peers.Need(t, "storescu")
	r := start(t)
	d := r.enrol(t, "ct1", "CT1", "echo,store,find,get", nil)
	seen := map[dicom.UID]bool{}
	files := map[dicom.UID][]string{} // by transfer syntax
	for _, row := range corpus.Rows(t, "conformance/", "series/", "charset/") {
		uid, syntax := dicom.UID(row["sop_instance_uid"]), dicom.UID(row["transfer_syntax"])
		if row.Expected() == "accept" && !seen[uid] && storescuFlag[syntax] != "" && uid.Tolerable() {
			seen[uid] = true
			files[syntax] = append(files[syntax], filepath.Join(dir, row.Path()))
		}
	}
	if len(seen) < 200 {
		t.Errorf("only %d files", len(seen))
	}
	for syntax, list := range files {
		args := append([]string{storescuFlag[syntax], "--required", "--no-halt"}, list...)
		got := r.dcmtk(t, d, "storescu", args...)
		ignored := strings.Count(got.Output, "unknown storage SOP class in file") // DCMTK knows fewer than we
		if n := strings.Count(got.Output, "Received Store Response (Success)"); n+ignored != len(list) {
			t.Errorf("%s: %d of %d stored: %s", dict.UIDName(syntax), n, len(list), problems(got.Output))
		}
	}
}

// problems returns the lines of an output that are about what went wrong, with
// the line about the file before each.
func problems(output string) string {
	var list []string
	file := ""
	for line := range strings.Lines(output) {
		if strings.Contains(line, "Sending file") {
			file = line
		}
		if strings.HasPrefix(line, "E:") || strings.Contains(line, "Response (") && !strings.Contains(line, "Success") {
			list = append(list, file, line)
		}
	}
	return strings.Join(list, "")
}

// storescuFlag makes storescu propose the transfer syntax that a file is in.
var storescuFlag = map[dicom.UID]string{
	dict.UIDImplicitVRLittleEndian: "-xi", dict.UIDExplicitVRLittleEndian: "-xe", dict.UIDExplicitVRBigEndian: "-xb",
	dict.UIDDeflatedExplicitVRLittleEndian: "-xd", dict.UIDJPEGBaseline8Bit: "-xy", dict.UIDJPEGExtended12Bit: "-xx",
	dict.UIDJPEGLosslessSV1: "-xs", dict.UIDJPEGLSLossless: "-xt", dict.UIDJPEGLSNearLossless: "-xu",
	dict.UIDJPEG2000Lossless: "-xv", dict.UIDJPEG2000: "-xw", dict.UIDRLELossless: "-xr",
}

// TestHostileStreams sends the byte streams of the corpus over TLS, as a device
// that is known would.
func TestHostileStreams(t *testing.T) {
	dir := corpus.Dir(t)
	r := start(t)
	d := r.enrol(t, "hostile", "HOSTILE", "echo,store", nil)
	for _, row := range corpus.Rows(t, "hostile/dimse/") {
		t.Run(filepath.Base(row.Path()), func(t *testing.T) {
			t.Parallel()
			stream, err := os.ReadFile(filepath.Join(dir, row.Path()))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(row.Path(), "wrong-called") { // the streams call PACS
				stream = bytes.Replace(stream, []byte("PACS            "), []byte("TRESOR          "), 1)
			}
			answer, err := r.converse(d, stream)
			if err != nil {
				t.Fatal(err)
			}
			if problem := judge(row, answer); problem != "" {
				t.Errorf("%s: answered % X; want %s", problem, answer[:min(len(answer), 64)], row["expected_error"])
			}
			if _, err := r.associateEcho(t, d); err != nil {
				t.Errorf("the archive is not well afterwards: %v", err)
			}
		})
	}
}

// converse sends a stream and reads until the archive closes, or for 10 s.
func (r *running) converse(d *device, stream []byte) ([]byte, error) {
	conn, err := r.dialNow(d)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(stream); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	var got bytes.Buffer
	got.ReadFrom(conn) // until it is closed, by whatever end
	return got.Bytes(), nil
}

// judge compares an answer with the manifest's words; "" is good.
func judge(row corpus.Row, answer []byte) string {
	want := row["expected_error"]
	types := pduTypes(answer)
	last := byte(0)
	if len(types) > 0 {
		last = types[len(types)-1]
	}
	switch {
	case strings.HasPrefix(want, "A-ASSOCIATE-RJ "):
		var result, source, reason byte
		fmt.Sscanf(want, "A-ASSOCIATE-RJ %d/%d/%d", &result, &source, &reason)
		if len(answer) < 10 || answer[0] != 3 || answer[7] != result || answer[8] != source || answer[9] != reason {
			return "another rejection"
		}
	case strings.HasPrefix(want, "A-ASSOCIATE-AC, C-ECHO-RSP"):
		if !slices.Equal(types, []byte{2, 4, 6}) {
			return "the control fails"
		}
	case strings.HasPrefix(want, "C-STORE-RSP"):
		if !slices.Contains(types, 4) && last != 7 {
			return "neither a response nor an abort"
		}
		if strings.Contains(want, "0xA900") && !bytes.Contains(answer, []byte{0, 0, 0, 9, 2, 0, 0, 0, 0x00, 0xA9}) {
			return "not A900H"
		}
	case want == "A-ABORT" || strings.HasPrefix(want, "A-ABORT 2/2"):
		if last != 7 {
			return "no abort"
		}
	}
	return ""
}

// pduTypes returns the types of the PDUs in a stream.
func pduTypes(b []byte) (types []byte) {
	for len(b) >= 6 {
		n := 6 + int(b[2])<<24 + int(b[3])<<16 + int(b[4])<<8 + int(b[5])
		types = append(types, b[0])
		if n > len(b) {
			break
		}
		b = b[n:]
	}
	return types
}
