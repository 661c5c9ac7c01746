package file

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/archive"
)

var update = flag.Bool("update", false, "write a new test vector into docs/formats.md")

const (
	formatsDoc  = "../../../docs/formats.md"
	vectorPlace = "00000001-0000001000"
	vectorData  = "The bytes of a data set stand here."
)

// vectorFiles are the files of the vector, in the order of the document.
var vectorFiles = []string{"keys/master.key", "keys/data.keys", "vault/studies.keys", "vault/tombstones", "vault/packs/00000001.pack"}

func vectorMeta() archive.Meta {
	return archive.Meta{
		Kind: archive.KindInstance, Study: "1.2.3.4", Series: "1.2.3.4.5", Instance: "1.2.3.4.5.6",
		SOPClass: "1.2.840.10008.5.1.4.1.1.2", TransferSyntax: "1.2.840.10008.1.2.1",
		Length: int64(len(vectorData)), SHA256: sha256.Sum256([]byte(vectorData)),
		Received: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Source: "ct-1",
		Summary: []byte(`{"0020000D":{"vr":"UI","Value":["1.2.3.4"]}}`),
	}
}

// TestVector writes the files that docs/formats.md shows and reads them twice:
// with the vault, and with nothing but what the document says.
func TestVector(t *testing.T) {
	if *update {
		updateVector(t)
	}
	dir := t.TempDir()
	files := readVector(t)
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	v, err := opener(t, dir, Options{Log: quiet})()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	o, err := v.Open(context.Background(), vectorPlace)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	got, err := io.ReadAll(io.NewSectionReader(o, 0, 1000))
	if err != nil || string(got) != vectorData {
		t.Errorf("%q, %v", got, err)
	}
	if fmt.Sprint(*o.Meta()) != fmt.Sprint(vectorMeta()) {
		t.Errorf("meta %v", *o.Meta())
	}
	byTheDocument(t, files)
}

// byTheDocument reads the object as someone would who has only the document.
func byTheDocument(t *testing.T, files map[string][]byte) {
	var master struct{ Keys []struct{ Key []byte } }
	var data struct {
		Keys []struct {
			Purpose string
			Version uint32
			Wrapped []byte
		}
	}
	if err := errors.Join(json.Unmarshal(files[vectorFiles[0]], &master), json.Unmarshal(files[vectorFiles[1]], &data)); err != nil {
		t.Fatal(err)
	}
	keys := map[string][]byte{}
	for _, k := range data.Keys {
		ad := "tresor data key\x00" + k.Purpose + "\x00" + string(binary.BigEndian.AppendUint32(nil, k.Version))
		keys[k.Purpose] = unseal(t, master.Keys[0].Key, k.Wrapped, ad)
	}
	slot := files[vectorFiles[2]][128:256]
	plain := unseal(t, keys["vault-keys"], slot[20+4:116], "tresor vault study key\x00\x00\x00\x00\x00"+string(slot[4:20]))
	study := plain[:32]

	record := files[vectorFiles[4]][4096:]
	meta, summary := binary.BigEndian.Uint32(record[12:]), binary.BigEndian.Uint32(record[16:])
	bind := string(record[32:48]) + string(record[20:24])
	rest := record[64:]
	m := unseal(t, keys["vault-meta"], rest[4:meta], "tresor vault meta\x00"+bind)
	if !bytes.Contains(m, []byte("\x00\x071.2.3.4\x00\x091.2.3.4.5")) {
		t.Errorf("meta %q", m)
	}
	derived, _ := hkdf.Expand(sha256.New, study, "tresor vault summary key", 32)
	s := unseal(t, derived, rest[meta:meta+summary], "tresor vault summary\x00"+bind)
	if text, err := io.ReadAll(flate.NewReader(bytes.NewReader(s[4:]))); err != nil || string(text) != string(vectorMeta().Summary) {
		t.Errorf("summary %q, %v", text, err)
	}
	body := rest[meta+summary:][:binary.BigEndian.Uint64(record[24:])]
	derived, _ = hkdf.Key(sha256.New, study, body[1:33], "tresor vault body\x00"+bind, 32)
	nonce := string(body[33:40]) + "\x00\x00\x00\x00\x01"
	if p := unseal(t, derived, append([]byte(nonce), body[40:]...), ""); string(p) != vectorData {
		t.Errorf("body %q", p)
	}
}

// unseal opens nonce, ciphertext and tag with AES-256-GCM.
func unseal(t *testing.T, key, sealed []byte, ad string) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	p, err := gcm.Open(nil, sealed[:12], sealed[12:], []byte(ad))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// block finds the fenced block that shows a file.
func block(name string) *regexp.Regexp {
	return regexp.MustCompile("(?s)(<!-- vector " + regexp.QuoteMeta(name) + " -->\n```\n)(.*?)(```\n)")
}

func readVector(t *testing.T) map[string][]byte {
	t.Helper()
	doc, err := os.ReadFile(formatsDoc)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("docs/formats.md is absent")
	}
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range vectorFiles {
		m := block(name).FindSubmatch(doc)
		if m == nil {
			t.Fatalf("%s is not in the document", name)
		}
		files[name] = m[2]
		if !strings.HasPrefix(name, "keys/") {
			files[name] = undump(t, string(m[2]))
		}
	}
	return files
}

// undump is the reverse of dump.
func undump(t *testing.T, text string) (b []byte) {
	t.Helper()
	for line := range strings.Lines(text) {
		var off int
		var digits string
		if n, _ := fmt.Sscanf(line, "%x: %s", &off, &digits); n == 0 {
			t.Fatalf("not a dump: %q", line)
		}
		one, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		b = append(append(b, make([]byte, off-len(b))...), one...)
	}
	return b
}

// dump writes offset and 32 bytes a line; lines of zeros are left out. The last
// line is the length.
func dump(b []byte) string {
	var out strings.Builder
	for off := 0; off < len(b); off += 32 {
		if one := b[off:min(off+32, len(b))]; !allZero(one) {
			fmt.Fprintf(&out, "%06x: %x\n", off, one)
		}
	}
	fmt.Fprintf(&out, "%06x:\n", len(b))
	return out.String()
}

func updateVector(t *testing.T) {
	d := newOnDisk(t, Options{})
	l, err := store(d.Vault, "1.2.3.4", []byte(vectorData), vectorMeta())
	if err != nil || l != vectorPlace {
		t.Fatal(l, err)
	}
	d.Close()
	doc, err := os.ReadFile(formatsDoc)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range vectorFiles {
		b, err := os.ReadFile(filepath.Join(d.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if !strings.HasPrefix(name, "keys/") {
			text = dump(b)
		}
		doc = block(name).ReplaceAll(doc, []byte("${1}"+text+"${3}"))
	}
	if err := os.WriteFile(formatsDoc, doc, 0o644); err != nil {
		t.Fatal(err)
	}
}
