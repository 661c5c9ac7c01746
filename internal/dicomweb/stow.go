package dicomweb

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var storeRoutes = []Route{
	{http.MethodPost, "/studies", "Store Instances", "PS3.18 section 10.5", storeForm, serveStore},
	{http.MethodPost, studyPath, "Store Instances of a Study", "PS3.18 section 10.5", storeForm, serveStore},
}

var storeForm = &Form{
	Takes:   []string{partsOf(typeDICOM), partsOf(typeJSON), partsOf(typeXML), typeDICOM},
	Answers: []string{typeJSON, typePlainJSON, typeXML},
}

// Bounds of one request to store.
const (
	maxParts      = 50000
	maxPartHeader = 16 << 10 // bytes
	maxFailures   = 1000     // one after the other; then the rest is not read
)

func unsupported(title string) error {
	return &problem{Status: http.StatusUnsupportedMediaType, Title: title}
}

// serveStore takes instances in and answers what became of each.
func serveStore(x *exchange) error {
	if x.Header.Get("Content-Encoding") != "" {
		return unsupported("a compressed body is not taken")
	}
	o, err := x.negotiate(offer{typ: typeJSON}, offer{typ: typePlainJSON}, offer{typ: typeXML})
	if err != nil {
		return err
	}
	typ, params, err := parseMedia(x.Header.Get("Content-Type"))
	if err != nil {
		return bad("the content type cannot be read")
	}
	s := &storing{exchange: x}
	switch {
	case typ == typeDICOM:
		err = s.file(x.Body)
	case typ == typeMultipart:
		err = s.multipart(params)
	default:
		err = unsupported("instances are stored as application/dicom, or in parts of multipart/related")
	}
	if err != nil {
		return err
	}
	return s.answer(o.typ)
}

// storing is a request to store under way.
type storing struct {
	*exchange
	stored []archive.Receipt
	failed []failure
	inARow int // failures without a success between them
}

// multipart takes in the parts of a body (PS3.18 section 10.5.1.4).
func (s *storing) multipart(params map[string]string) error {
	boundary := params["boundary"]
	if boundary == "" || len(boundary) > 70 {
		return bad("the content type has no boundary")
	}
	r := multipart.NewReader(s.Body, boundary)
	root, _, _ := mime.ParseMediaType(params["type"])
	switch root {
	case typeDICOM, "":
		return s.files(r)
	case typeJSON, typeXML:
		return s.model(r, root)
	}
	return unsupported("parts of this type are not taken")
}

// files takes in parts that are files of PS3.10, one after the other, as they come.
func (s *storing) files(r *multipart.Reader) error {
	for n := 0; ; n++ {
		p, err := nextPart(r)
		if err == io.EOF {
			if n == 0 {
				return bad("the body has no parts")
			}
			return nil
		}
		if err != nil {
			return err
		}
		if n >= maxParts || s.inARow >= maxFailures {
			return &problem{Status: http.StatusRequestEntityTooLarge, Title: "too many parts"}
		}
		if typ := partType(p); typ != "" && typ != typeDICOM {
			if err := s.fail(failure{reason: reasonCannotUnderstand}); err != nil {
				return err
			}
			continue
		}
		if err := s.file(p); err != nil {
			return err
		}
	}
}

// nextPart returns the next part; io.EOF after the last one, if the message
// ended as it must.
func nextPart(r *multipart.Reader) (*multipart.Part, error) {
	p, err := r.NextRawPart()
	if err == io.EOF {
		return nil, io.EOF
	}
	if err != nil {
		return nil, bad("the parts of the body cannot be told apart")
	}
	size := 0
	for name, values := range p.Header {
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	if size > maxPartHeader {
		return nil, bad("the header of a part is too long")
	}
	return p, nil
}

// partType returns the media type of a part, "" if it has none.
func partType(p *multipart.Part) string {
	h := p.Header.Get("Content-Type")
	if h == "" {
		return ""
	}
	typ, _, err := parseMedia(h)
	if err != nil {
		return "?"
	}
	return typ
}

// file takes in one file of PS3.10. Its error is one of the request as a whole.
func (s *storing) file(r io.Reader) error {
	body := &bodyReader{r: r}
	b := bufio.NewReaderSize(body, 64<<10)
	if _, err := b.Peek(1); err != nil {
		return bad("a part is empty or not whole")
	}
	meta, ts, err := encoding.ReadMeta(b)
	if err == nil {
		named := meta.UID(dict.MediaStorageSOPInstanceUID)
		return s.instance(body, named, archive.Incoming{SOPClass: meta.UID(dict.MediaStorageSOPClassUID),
			Instance: announced(named), TransferSyntax: ts.UID, DataSet: b})
	}
	if body.err != nil {
		return bad("the body is not whole")
	}
	f := failure{reason: reasonCannotUnderstand, class: meta.UID(dict.MediaStorageSOPClassUID), instance: meta.UID(dict.MediaStorageSOPInstanceUID)}
	if errors.Is(err, encoding.ErrTransferSyntax) && meta.UID(dict.TransferSyntaxUID) != "" {
		f.reason = reasonTransferSyntax
	}
	return s.fail(f)
}

// bodyReader tells errors of the transfer from those of the content.
type bodyReader struct {
	r   io.Reader
	err error // other than io.EOF
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// instance hands one instance, which the request calls named, to the archive and
// remembers what became of it.
func (s *storing) instance(body *bodyReader, named dicom.UID, in archive.Incoming) error {
	in.Study = dicom.UID(s.path["study"])
	if in.SOPClass != "" && !dict.IsStorageSOPClass(in.SOPClass) {
		return s.fail(failure{reason: reasonSOPClass, class: in.SOPClass, instance: named})
	}
	r, err := s.session.Store(s.ctx(), in)
	switch {
	case err == nil:
		s.stored = append(s.stored, r)
		s.inARow = 0
		return nil
	case body != nil && body.err != nil:
		return bad("the body is not whole")
	case s.ctx().Err() != nil:
		return s.ctx().Err()
	case errors.Is(err, archive.ErrDenied) && !s.session.Principal().Has(policy.Store):
		return err
	}
	return s.notTaken(in.SOPClass, named, r, err)
}

// notTaken remembers that the archive did not take an instance. It has written
// the trail itself.
func (s *storing) notTaken(class, named dicom.UID, r archive.Receipt, err error) error {
	f := failure{reason: reasonOf(err), class: class, instance: named}
	if f.class == "" {
		f.class = r.SOPClass
	}
	if f.instance == "" {
		f.instance = r.Instance
	}
	if f.reason == reasonProcessing {
		s.service.log.ErrorContext(s.ctx(), "dicomweb: an instance was not stored", "error", err)
	}
	s.failed = append(s.failed, f)
	s.inARow++
	return nil
}

// isXML reports whether a media type is the native DICOM model.
func isXML(typ string) bool { return strings.HasSuffix(typ, "xml") }
