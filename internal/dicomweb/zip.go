package dicomweb

import (
	"archive/zip"
	"fmt"
	"net/http"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// The same files that serveInstances answers for application/zip, for those who
// can follow a link but not choose a media type.
var zipRoutes = []Route{
	{http.MethodGet, studyPath + ".zip", "Retrieve Study as Zip", "PS3.18 section 8.6.1.3", zipForm, serveZip},
	{http.MethodGet, seriesPath + ".zip", "Retrieve Series as Zip", "PS3.18 section 8.6.1.3", zipForm, serveZip},
}

var zipForm = &Form{Answers: []string{typeZip}}

const typeZip = "application/zip"

// serveZip answers instances as files in a container.
func serveZip(x *exchange) error {
	r, err := x.retrieve()
	if err != nil {
		return err
	}
	targets, err := targetsOf(r, "*")
	if err != nil {
		return err
	}
	return x.zip(r, targets)
}

// zip writes the container as it goes: nothing of it is held. Files are not
// compressed, which pixels seldom are worth, and their names count series and
// instances, so that no name comes from outside.
func (x *exchange) zip(r *archive.Retrieval, targets []encoding.TransferSyntax) error {
	h := x.w.Header()
	h.Set("Content-Type", typeZip)
	h.Set("Content-Disposition", `attachment; filename="`+x.path["study"]+`.zip"`)
	if x.Method == http.MethodHead {
		return nil
	}
	z := zip.NewWriter(x.w)
	series := map[dicom.UID]int{}
	files := map[dicom.UID]int{}
	for i := range r.Entries {
		e := &r.Entries[i]
		if series[e.Series] == 0 {
			series[e.Series] = len(series) + 1
		}
		files[e.Series]++
		if err := x.zipFile(z, fmt.Sprintf("%04d/%06d.dcm", series[e.Series], files[e.Series]), r, e, targets[i]); err != nil {
			return err
		}
	}
	return z.Close()
}

func (x *exchange) zipFile(z *zip.Writer, name string, r *archive.Retrieval, e *archive.Entry, to encoding.TransferSyntax) error {
	s, err := x.open(r, e)
	if err != nil {
		return err
	}
	defer s.Close()
	write, err := x.file(s, to) // before the container begins, so that the first can still fail with a status
	if err != nil {
		return err
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return err
	}
	return write(w)
}
