package dicomweb

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// Bounds of instances that come as models: they are put together in memory.
const (
	maxModel    = 32 << 20  // bytes of metadata
	maxBulk     = 256 << 20 // bytes of all bulk values
	maxBulkSize = 4096      // bulk values
)

// model takes in instances as DICOM JSON or XML with their bulk values in parts
// of their own (PS3.18 section 8.6.1.2.2). A bulk value is found by the
// Content-Location of its part; a URI that names none is never fetched.
func (s *storing) model(r *multipart.Reader, root string) error {
	var models [][]byte
	bulk := map[string][]byte{}
	var size, values int64
	for {
		p, err := nextPart(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		limit := int64(maxModel)
		typ := partType(p)
		isModel := typ == root || typ == "" && len(models) == 0
		if !isModel {
			limit = maxBulk - size
		}
		b, err := readPart(p, limit)
		if err != nil {
			return err
		}
		switch {
		case isModel:
			models = append(models, b)
		case typ != typeBytes:
			return unsupported("bulk values are taken as application/octet-stream")
		default:
			bulk[p.Header.Get("Content-Location")] = b
		}
		size += int64(len(b))
		if values++; values > maxBulkSize {
			return &problem{Status: http.StatusRequestEntityTooLarge, Title: "too many parts"}
		}
	}
	if len(models) == 0 {
		return bad("the body has no metadata")
	}
	return s.models(models, root, bulk)
}

// readPart reads a part into memory.
func readPart(p io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(p, limit+1))
	switch {
	case err != nil:
		return nil, bad("the body is not whole")
	case int64(len(b)) > limit:
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Title: "metadata or bulk values are too large"}
	}
	return b, nil
}

// errUnresolved says that a bulk value is not in the message.
var errUnresolved = errors.New("a bulk value is not in the message")

func (s *storing) models(models [][]byte, root string, bulk map[string][]byte) error {
	o := encoding.JSONOptions{Limits: s.service.limits, MaxBytes: maxModel,
		ResolveURI: func(_ encoding.Path, e *dicom.Element, uri string) error {
			b, ok := bulk[uri]
			if !ok {
				return errUnresolved
			}
			e.Data = dicom.Pad(b, e.VR)
			return nil
		}}
	var all []*dicom.DataSet
	for _, m := range models {
		list, err := parseModel(m, root, o)
		if err != nil {
			return bad("the metadata cannot be read, or a bulk value is not in the message")
		}
		all = append(all, list...)
	}
	for _, ds := range all {
		if err := s.dataSet(ds); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return bad("the metadata has no instances")
	}
	return nil
}

func parseModel(b []byte, root string, o encoding.JSONOptions) ([]*dicom.DataSet, error) {
	if isXML(root) {
		ds, err := encoding.ParseXML(b, o)
		return []*dicom.DataSet{ds}, err
	}
	return encoding.ParseJSONArray(b, o)
}

// dataSet stores an instance that came as a model. File Meta Information, which
// some clients send along, goes; pixel data must be native.
func (s *storing) dataSet(ds *dicom.DataSet) error {
	ts := encoding.ExplicitLE
	for _, t := range []dicom.Tag{dict.AvailableTransferSyntaxUID, dict.TransferSyntaxUID} {
		if uid := ds.UID(t); uid != "" && uid != ts.UID {
			return s.fail(failure{reason: reasonTransferSyntax, class: ds.UID(dict.SOPClassUID), instance: ds.UID(dict.SOPInstanceUID)})
		}
	}
	var meta []dicom.Tag
	for e := range ds.All() {
		if e.Tag.Group() <= 2 {
			meta = append(meta, e.Tag)
		}
	}
	for _, t := range meta {
		ds.Delete(t)
	}
	encoding.RemoveGroupLengths(ds)
	b, err := encoding.Append(nil, ts, ds)
	if err != nil {
		return bad("the metadata cannot be written as a data set")
	}
	instance := ds.UID(dict.SOPInstanceUID)
	return s.instance(nil, instance, archive.Incoming{SOPClass: ds.UID(dict.SOPClassUID), Instance: instance,
		TransferSyntax: ts.UID, DataSet: bytes.NewReader(b)})
}
