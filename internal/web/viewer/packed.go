package viewer

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
)

// packed is what scripts/viewer made, or a README alone.
//
//go:embed all:packed
var packed embed.FS

// manifest is packed/viewer.json.
type manifest struct {
	// Name stands for all that the pack was made of: another name, other files.
	Name  string           `json:"name"`
	Files map[string]*file `json:"files"`
	app   string           // path of the script that the page starts
	style string           // path of its style sheet
}

// file is one file of the pack.
type file struct {
	Type       string `json:"type"`
	Size       int    `json:"size"`
	SHA256     string `json:"sha256"`     // of the file before compression
	Compressed bool   `json:"compressed"` // it lies there as .br and .gz alone
	Decoder    bool   `json:"decoder"`    // script of the worker that decodes pictures
	Role       string `json:"role"`       // app, styles, or none
}

// errAbsent says that the binary was built without the viewer.
var errAbsent = errors.New("this build has no viewer")

// namePattern is what a pack may be called, for the name is part of paths.
var namePattern = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+-[0-9a-f]{12}$`)

// load reads the list of files and checks that they are there.
func load(pack fs.FS) (*manifest, error) {
	b, err := fs.ReadFile(pack, "viewer.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("viewer: %w", err)
	}
	m := &manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("viewer: list of files: %w", err)
	}
	if !namePattern.MatchString(m.Name) {
		return nil, errors.New("viewer: the list of files has no name: run make viewer again")
	}
	for name, f := range m.Files {
		if err := f.check(pack, name); err != nil {
			return nil, err
		}
		switch f.Role {
		case "app":
			m.app = name
		case "styles":
			m.style = name
		}
	}
	if m.app == "" || m.style == "" {
		return nil, errors.New("viewer: the list of files has no start: run make viewer again")
	}
	return m, nil
}

func (f *file) check(pack fs.FS, name string) error {
	if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 32 {
		return fmt.Errorf("viewer: %s has no digest: run make viewer again", name)
	}
	for _, e := range f.encodings() {
		if _, err := fs.Stat(pack, "files/"+name+e.suffix); err != nil {
			return fmt.Errorf("viewer: %w: run make viewer again", err)
		}
	}
	return nil
}

// encoding is one form in which a file lies in the pack.
type encoding struct {
	token  string // of Content-Encoding (RFC 9110 section 8.4.1)
	suffix string
}

var (
	compressedForms = []encoding{{"br", ".br"}, {"gzip", ".gz"}}
	plainForm       = []encoding{{"", ""}}
)

// encodings lists the forms of the file that the pack holds, the best first.
func (f *file) encodings() []encoding {
	if f.Compressed {
		return compressedForms
	}
	return plainForm
}
