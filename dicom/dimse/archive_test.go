package dimse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// held is one instance in a memoryArchive.
type held struct {
	class, instance, ts dicom.UID
	data                []byte
}

// memoryArchive is a small archive: all service classes of one, for tests.
type memoryArchive struct {
	mu        sync.Mutex
	instances []held
	moveTo    string // the address of the only destination, MOVESCU
}

func (m *memoryArchive) routes() routes {
	return routes{CEchoRQ: echoHandler, CStoreRQ: m.store, CFindRQ: m.find, CGetRQ: m.get, CMoveRQ: m.move}
}

func (m *memoryArchive) all() []held {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.instances)
}

func (m *memoryArchive) store(_ context.Context, _ ResponseWriter, r *Request) error {
	var b bytes.Buffer
	if _, err := io.Copy(&b, r.DataSet); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.instances = append(m.instances, held{r.SOPClass, r.SOPInstance, r.Context.TransferSyntax, b.Bytes()})
	return nil
}

// find answers one match for each instance, whatever is asked.
func (m *memoryArchive) find(_ context.Context, rw ResponseWriter, r *Request) error {
	q, err := r.ReadDataSet(1 << 20)
	if err != nil {
		return StatusCannotUnderstand
	}
	for i, h := range m.all() {
		ds := withID(fmt.Sprintf("P%d", i))
		ds.PutString(dict.QueryRetrieveLevel, dicom.VRCS, q.String(dict.QueryRetrieveLevel))
		ds.PutUID(dict.StudyInstanceUID, h.instance)
		if err := rw.Pending(StatusPending, ds, nil); err != nil {
			return err
		}
	}
	return nil
}

func (m *memoryArchive) get(ctx context.Context, rw ResponseWriter, _ *Request) error {
	return m.retrieve(rw, func(h held) (Status, error) {
		return rw.Store(ctx, h.request())
	})
}

func (h held) request() StoreRequest {
	return StoreRequest{SOPClass: h.class, SOPInstance: h.instance, TransferSyntax: h.ts, DataSet: bytes.NewReader(h.data)}
}

func (m *memoryArchive) move(ctx context.Context, rw ResponseWriter, r *Request) error {
	if r.MoveDestination != "MOVESCU" {
		return StatusMoveDestinationUnknown
	}
	c, err := Dial(ctx, m.moveTo, DialOptions{RequestOptions: ul.RequestOptions{
		Called: r.MoveDestination, Calling: "PACS", Contexts: contexts(ct)}})
	if err != nil {
		return StatusOutOfResourcesSubOperations
	}
	defer c.Close(ctx)
	return m.retrieve(rw, func(h held) (Status, error) {
		q := h.request()
		q.MoveOriginatorAET, q.MoveOriginatorID = r.Association.Calling(), r.MessageID
		result, err := c.Store(ctx, q)
		if err != nil {
			return 0, err
		}
		return result.Status, nil
	})
}

func (m *memoryArchive) retrieve(rw ResponseWriter, store func(held) (Status, error)) error {
	all := m.all()
	sub := SubOperations{Remaining: len(all)}
	for _, h := range all {
		status, err := store(h)
		switch {
		case errors.Is(err, ErrNoContext) || err == nil && status.IsFailure():
			sub.Failed++
		case err != nil:
			return err
		case status.IsWarning():
			sub.Warning++
		default:
			sub.Completed++
		}
		sub.Remaining--
		if err := rw.Pending(StatusPending, nil, &sub); err != nil {
			return err
		}
	}
	if sub.Failed > 0 {
		return rw.Respond(Response{Status: StatusSubOperationsWarning, SubOps: &sub})
	}
	return rw.Respond(Response{Status: StatusSuccess, SubOps: &sub})
}

// slice returns an invented CT slice of side x side pixels: its UID, its data set
// in explicit VR little endian, and the Part 10 file.
func slice(n, side int) (uid dicom.UID, data, file []byte, err error) {
	uid = dicom.UID(fmt.Sprintf("2.25.1234567890.%d", n))
	ds := new(dicom.DataSet)
	ds.PutUID(dict.SOPClassUID, ct)
	ds.PutUID(dict.SOPInstanceUID, uid)
	ds.PutString(dict.Modality, dicom.VRCS, "CT")
	ds.PutString(dict.PatientName, dicom.VRPN, "Muster^Erika")
	ds.PutString(dict.PatientID, dicom.VRLO, "INVENTED-1")
	ds.PutUID(dict.StudyInstanceUID, "2.25.1234567890")
	ds.PutUID(dict.SeriesInstanceUID, "2.25.1234567891")
	ds.PutInts(dict.SamplesPerPixel, dicom.VRUS, 1)
	ds.PutString(dict.PhotometricInterpretation, dicom.VRCS, "MONOCHROME2")
	ds.PutInts(dict.Rows, dicom.VRUS, int64(side))
	ds.PutInts(dict.Columns, dicom.VRUS, int64(side))
	ds.PutInts(dict.BitsAllocated, dicom.VRUS, 16)
	ds.PutInts(dict.BitsStored, dicom.VRUS, 12)
	ds.PutInts(dict.HighBit, dicom.VRUS, 11)
	ds.PutInts(dict.PixelRepresentation, dicom.VRUS, 0)
	pixels := make([]byte, 2*side*side)
	for i := range pixels {
		if i%2 == 0 {
			pixels[i] = byte(i * n)
		}
	}
	ds.Put(dicom.Element{Tag: dict.PixelData, VR: dicom.VROW, Data: pixels})
	if data, err = encoding.Append(nil, encoding.ExplicitLE, ds); err != nil {
		return uid, nil, nil, err
	}
	var b bytes.Buffer
	err = encoding.WriteFile(&b, encoding.NewMeta(ct, uid, explicit), ds)
	return uid, data, b.Bytes(), err
}
