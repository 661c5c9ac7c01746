package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/dicomweb"
)

// serve answers a request without a network between.
func (f *fixture) serve(s *dicomweb.Service, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				panic(v)
			}
		}()
		s.Serve(w, r, f.archive.As(f.principal))
	}()
	return w
}

// FuzzSearch asks for whatever query and Accept header: an answer is JSON or a
// status of the client's fault.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{"PatientName=M*&limit=1", "00100020=4711&includefield=all", "RequestAttributesSequence.ScheduledProcedureStepID=1&offset=2",
		"StudyDate=-2020&fuzzymatching=true", "ModalitiesInStudy=CT%5CSR&multiplevaluematching=true", "Rows=4"} {
		f.Add(q, "application/dicom+json")
	}
	f.Add("", `multipart/related; type="application/dicom+xml"; q=0.1, */*;q=0.01`)
	fix := start(f)
	fix.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil))
	s := dicomweb.New(dicomweb.Config{Prefix: "/dicom-web", Limits: encoding.DefaultLimits(), Log: quiet})
	f.Fuzz(func(t *testing.T, query, accept string) {
		for _, path := range []string{"/dicom-web/studies", "/dicom-web/instances"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL = &url.URL{Path: path, RawQuery: query}
			r.Header.Set("Accept", accept)
			w := fix.serve(s, r)
			if w.Code >= 500 || w.Code == 200 && w.Header().Get("Content-Type") == "application/dicom+json" && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
}

// FuzzPicture asks for pictures with whatever query: a picture, or a status of the
// client's fault.
func FuzzPicture(f *testing.F) {
	for _, q := range []string{"window=1,2,linear&viewport=9,9,1,1,-2,3&quality=9", "annotation=patient,technique&iccprofile=srgb", "viewport=8192,1"} {
		f.Add(q, "image/png")
	}
	f.Add("requestType=WADO&studyUID=1.1&seriesUID=1.1.1&objectUID=1.1.1.1&region=0,0,1,1&rows=3&columns=4&windowCenter=1&windowWidth=2", "*/*")
	fix := start(f)
	fix.put(newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil))
	s := dicomweb.New(dicomweb.Config{Prefix: "/dicom-web", Limits: encoding.DefaultLimits(), Log: quiet})
	f.Fuzz(func(t *testing.T, query, accept string) {
		for _, path := range []string{"/dicom-web" + firstSlice + "/rendered", "/dicom-web" + firstSlice + "/thumbnail", "/dicom-web/wado"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL = &url.URL{Path: path, RawQuery: query}
			r.Header.Set("Accept", accept)
			if w := fix.serve(s, r); w.Code >= 500 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
}

// FuzzStore sends whatever body: nothing of it is the archive's fault.
func FuzzStore(f *testing.F) {
	good := newObject("1.1", "1.1.1", "1.1.1.1", encoding.ExplicitLE, nil)
	body, typ := multipartBody("application/dicom", good.file(f))
	var b bytes.Buffer
	b.ReadFrom(body)
	f.Add(typ, b.Bytes())
	f.Add("application/dicom", good.file(f))
	one, err := encoding.AppendJSON(nil, good.ds, encoding.JSONOptions{})
	if err != nil {
		f.Fatal(err)
	}
	model, typ := modelBody("application/dicom+json", one, "x", nil)
	f.Add(typ, model.Bytes())
	fix := start(f)
	s := dicomweb.New(dicomweb.Config{Prefix: "/dicom-web", Limits: encoding.DefaultLimits(), Log: quiet})
	f.Fuzz(func(t *testing.T, typ string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/dicom-web/studies", bytes.NewReader(body))
		r.Header.Set("Content-Type", typ)
		if w := fix.serve(s, r); w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
