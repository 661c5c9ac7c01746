package dicomweb

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// The Storage Commitment Service (PS3.18 chapter 13). The answer comes when
// every instance has been read back; a result is kept for a while for those who
// lost the answer.
var commitmentRoutes = []Route{
	{http.MethodPost, "/commitment-requests/{transaction}", "Request Storage Commitment", "PS3.18 section 13.4", commitmentRequestForm, serveCommitment},
	{http.MethodGet, "/commitment-requests/{transaction}", "Check Storage Commitment Result", "PS3.18 section 13.5", commitmentResultForm, serveCommitmentResult},
}

var (
	commitmentRequestForm = &Form{Takes: []string{typeJSON, typeXML}, Answers: []string{typeJSON, typePlainJSON, typeXML}}
	commitmentResultForm  = &Form{Answers: []string{typeJSON, typePlainJSON, typeXML}}
)

const (
	maxCommitted      = 20000     // instances of a request
	maxCommitmentBody = 16 << 20  // bytes of a request
	keepCommitment    = time.Hour // of a result
	maxCommitments    = 1000      // results
	retryAfter        = "5"       // seconds, for who asks for a result that is not there yet
)

// Failure Reason (0008,1197) of a storage commitment (PS3.3 section C.14.1.1).
const (
	reasonNoSuchInstance = 0x0112
	reasonClassConflict  = 0x0119
)

// serveCommitment reads instances back and says for which of them the archive
// answers.
func serveCommitment(x *exchange) error {
	o, err := x.negotiate(offer{typ: typeJSON}, offer{typ: typePlainJSON}, offer{typ: typeXML})
	if err != nil {
		return err
	}
	refs, err := x.commitmentRefs()
	if err != nil {
		return err
	}
	key := x.transaction()
	known := &x.service.commitments
	if !known.begin(key) {
		return &problem{Status: http.StatusConflict, Title: "the transaction UID is in use"}
	}
	results, err := x.session.Commitment(x.ctx(), refs)
	if err != nil {
		known.forget(key)
		return err
	}
	ds := commitmentReport(results)
	known.finish(key, ds)
	return x.answerDataSet(o.typ, http.StatusOK, ds)
}

// serveCommitmentResult answers the result of an earlier request of the same
// principal.
func serveCommitmentResult(x *exchange) error {
	o, err := x.negotiate(offer{typ: typeJSON}, offer{typ: typePlainJSON}, offer{typ: typeXML})
	if err != nil {
		return err
	}
	if !x.session.Principal().Has(policy.Commit) {
		return archive.ErrDenied
	}
	ds, known := x.service.commitments.result(x.transaction())
	switch {
	case !known:
		return errNotFound
	case ds == nil:
		x.w.Header().Set("Retry-After", retryAfter)
		x.w.WriteHeader(http.StatusAccepted)
		return nil
	}
	return x.answerDataSet(o.typ, http.StatusOK, ds)
}

// commitmentRefs reads the Storage Commitment Request Module (PS3.18 section J.1).
func (x *exchange) commitmentRefs() ([]archive.Ref, error) {
	typ, _, err := parseMedia(x.Header.Get("Content-Type"))
	if err != nil {
		return nil, bad("the content type cannot be read")
	}
	if typ != typeJSON && typ != typeXML {
		return nil, unsupported("a request is application/dicom+json or application/dicom+xml")
	}
	b, err := io.ReadAll(io.LimitReader(x.Body, maxCommitmentBody+1))
	switch {
	case err != nil:
		return nil, bad("the body is not whole")
	case len(b) > maxCommitmentBody:
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Title: "too many instances for one request"}
	}
	list, err := parseModel(b, typ, encoding.JSONOptions{Limits: x.service.limits, MaxBytes: maxCommitmentBody})
	if err != nil || len(list) != 1 {
		return nil, bad("the request cannot be read")
	}
	var refs []archive.Ref
	for _, item := range list[0].Items(dict.ReferencedSOPSequence) {
		refs = append(refs, archive.Ref{SOPClass: item.UID(dict.ReferencedSOPClassUID), Instance: item.UID(dict.ReferencedSOPInstanceUID)})
	}
	switch {
	case len(refs) == 0:
		return nil, bad("the request names no instances in Referenced SOP Sequence")
	case len(refs) > maxCommitted:
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Title: "too many instances for one request"}
	}
	return refs, nil
}

// commitmentReport is the Storage Commitment Response Module (PS3.18 section J.2).
func commitmentReport(results []archive.CommitResult) *dicom.DataSet {
	ds := new(dicom.DataSet)
	var committed, failed []*dicom.DataSet
	for _, r := range results {
		item := referenced(r.SOPClass, r.Instance)
		if r.Err == nil {
			committed = append(committed, item)
			continue
		}
		item.PutInts(dict.FailureReason, dicom.VRUS, commitmentFailure(r.Err))
		failed = append(failed, item)
	}
	if len(committed) > 0 {
		ds.PutItems(dict.ReferencedSOPSequence, committed...)
	}
	if len(failed) > 0 {
		ds.PutItems(dict.FailedSOPSequence, failed...)
	}
	return ds
}

// commitmentFailure chooses the failure reason for an error.
func commitmentFailure(err error) int64 {
	switch {
	case errors.Is(err, archive.ErrNotFound):
		return reasonNoSuchInstance
	case errors.Is(err, archive.ErrMismatch):
		return reasonClassConflict
	}
	return reasonProcessing
}

// answerDataSet answers a data set in a model of it.
func (x *exchange) answerDataSet(typ string, status int, ds *dicom.DataSet) error {
	encode := func() ([]byte, error) { return encoding.AppendJSON(nil, ds, encoding.JSONOptions{}) }
	if isXML(typ) {
		encode = func() ([]byte, error) { return encoding.AppendXML(nil, ds, encoding.XMLOptions{}) }
	}
	b, err := encode()
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", typ)
	x.w.WriteHeader(status)
	if x.Method == http.MethodHead {
		return nil
	}
	_, err = x.w.Write(append(b, '\n'))
	return err
}

// commitmentKey names a transaction: of a principal, so that nobody meets those
// of others.
type commitmentKey struct {
	kind        policy.Kind
	name        string
	transaction dicom.UID
}

func (x *exchange) transaction() commitmentKey {
	p := x.session.Principal()
	return commitmentKey{p.Kind, p.Name, dicom.UID(x.path["transaction"])}
}

// commitments remembers transactions for a while.
type commitments struct {
	mu sync.Mutex
	of map[commitmentKey]commitmentEntry
}

type commitmentEntry struct {
	result *dicom.DataSet // nil while the work is under way
	ended  time.Time
}

// begin enters a transaction unless it is known.
func (c *commitments) begin(k commitmentKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.of[k]; known {
		return false
	}
	if c.of == nil {
		c.of = map[commitmentKey]commitmentEntry{}
	}
	c.of[k] = commitmentEntry{}
	return true
}

// finish keeps a result; the oldest go.
func (c *commitments) finish(k commitmentKey, ds *dicom.DataSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.of[k] = commitmentEntry{ds, now}
	var oldest commitmentKey
	done, first := 0, now
	for k, e := range c.of {
		switch {
		case e.result == nil:
		case now.Sub(e.ended) > keepCommitment:
			delete(c.of, k)
		default:
			if done++; e.ended.Before(first) {
				oldest, first = k, e.ended
			}
		}
	}
	if done > maxCommitments {
		delete(c.of, oldest)
	}
}

func (c *commitments) forget(k commitmentKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, k)
}

func (c *commitments) result(k commitmentKey) (ds *dicom.DataSet, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, known := c.of[k]
	return e.result, known
}
