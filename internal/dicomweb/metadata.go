package dicomweb

import (
	"bytes"
	"context"
	"net/http"
	"strconv"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

var metadataRoutes = []Route{
	{http.MethodGet, studyPath + "/metadata", "Retrieve Study Metadata", "PS3.18 section 10.4.1.1.2", metadataForm, serveMetadata},
	{http.MethodGet, seriesPath + "/metadata", "Retrieve Series Metadata", "PS3.18 section 10.4.1.1.2", metadataForm, serveMetadata},
	{http.MethodGet, instancePath + "/metadata", "Retrieve Instance Metadata", "PS3.18 section 10.4.1.1.2", metadataForm, serveMetadata},
}

var metadataForm = &Form{Answers: []string{typeJSON, typePlainJSON, partsOf(typeXML)}, Query: []Parameter{acceptParameter}}

// serveMetadata answers the attributes of instances without their bulk values,
// as they were prepared when the instances came in: no pixel data is read.
func serveMetadata(x *exchange) error {
	o, err := x.negotiate(offer{typ: typeJSON}, offer{typ: typePlainJSON}, offer{multipart: true, typ: typeXML})
	if err != nil {
		return err
	}
	r, err := x.access()
	if err != nil {
		return err
	}
	if o.multipart {
		return x.metadataXML(r)
	}
	return x.metadataJSON(o.typ, r)
}

func (x *exchange) metadataJSON(typ string, r *archive.Retrieval) error {
	x.w.Header().Set("Content-Type", typ)
	root := x.root()
	pieces := inOrder(x.ctx(), len(r.Entries), func(ctx context.Context, i int, b []byte) ([]byte, error) {
		meta, err := r.Meta(ctx, &r.Entries[i])
		if err != nil {
			return nil, err
		}
		b = append(b, separator(i)...)
		return appendMetadata(b, meta.Summary, instanceURL(root, meta)), nil
	})
	for b, err := range pieces {
		if err != nil {
			return err
		}
		if _, err := x.w.Write(b); err != nil {
			return err
		}
	}
	_, err := x.w.Write([]byte{']'})
	return err
}

func separator(i int) string {
	if i == 0 {
		return "["
	}
	return ","
}

func instanceURL(root string, m *archive.Meta) string {
	return root + "/studies/" + string(m.Study) + "/series/" + string(m.Series) + "/instances/" + string(m.Instance)
}

// bulkMember is how archive.Meta.Summary, which the archive itself writes,
// begins the reference of a bulk value. It cannot stand within a string of JSON:
// quotes are escaped there.
var bulkMember = []byte(`"BulkDataURI":"`)

// appendMetadata appends a summary with its references made URLs below that of
// the instance.
func appendMetadata(dst, summary []byte, instance string) []byte {
	for {
		i := bytes.Index(summary, bulkMember)
		if i < 0 {
			return append(dst, summary...)
		}
		i += len(bulkMember)
		dst = append(dst, summary[:i]...)
		dst = append(dst, instance...)
		dst = append(dst, "/bulkdata/"...)
		summary = summary[i:]
	}
}

func (x *exchange) metadataXML(r *archive.Retrieval) error {
	p := x.multipart(typeXML)
	root := x.root()
	for i := range r.Entries {
		b, err := x.instanceXML(r, &r.Entries[i], root)
		if err != nil {
			return err
		}
		w, err := p.next(typeXML, "", "")
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return p.end()
}

func (x *exchange) instanceXML(r *archive.Retrieval, e *archive.Entry, root string) ([]byte, error) {
	s, err := x.open(r, e)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	header, err := s.header()
	if err != nil {
		return nil, err
	}
	url := instanceURL(root, s.Meta())
	return encoding.AppendXML(nil, header, encoding.XMLOptions{
		BulkDataURI: func(_ encoding.Path, e *dicom.Element) string {
			if e.Bulk == nil {
				return ""
			}
			return url + "/bulkdata/" + strconv.FormatInt(e.Bulk.Offset, 10) + "/" + strconv.FormatInt(e.Bulk.Length, 10)
		},
	})
}
