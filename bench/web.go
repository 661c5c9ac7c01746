package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
)

// site is where a subject answers over HTTP.
type site struct {
	base   string // URL of the DICOMweb service, or of the folder of plain files
	token  string // bearer token; empty if none is asked for
	client *http.Client
	plain  bool // plain files, for how fast net/http is by itself
}

// webs measures DICOMweb: ours over TLS, Orthanc's over plain HTTP, and what
// net/http does with plain files over the same TLS.
func (r *run) webs(ctx context.Context) error {
	ct, err := r.load("ct")
	if err != nil {
		return err
	}
	long, err := r.load("long")
	if err != nil {
		return err
	}
	for _, s := range r.webSubjects() {
		err := r.with(ctx, s, func(srv *server) error {
			w := &webRun{r: r, s: s.name, srv: srv, ct: ct, long: long}
			defer srv.web.client.CloseIdleConnections()
			if srv.web.plain {
				return w.files(ctx)
			}
			return w.all(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) webSubjects() []subject {
	all := []subject{
		{name: "tresor", start: r.startTresor},
		{name: "orthanc", tools: []string{"Orthanc", peers.DICOMwebPlugin}, start: r.startPeer(peers.Orthanc{DICOMweb: true})},
		{name: "net/http", start: r.startFiles},
	}
	return r.chosen(all)
}

// webRun measures one subject.
type webRun struct {
	r        *run
	s        string
	srv      *server
	ct, long *load
}

// all fills the archive and asks all questions.
func (w *webRun) all(ctx context.Context) error {
	if err := w.stow(ctx); err != nil {
		return err
	}
	for _, l := range []*load{w.ct, w.long} {
		if err := sendAll(ctx, w.srv, l, ours, 4); err != nil {
			return err
		}
	}
	studies := w.r.sizes[len(w.r.sizes)-1]
	n, err := fill(ctx, w.srv, 0, studies, time.Now().Add(w.r.fill))
	if err != nil {
		return err
	}
	fmt.Printf("web: %s holds %d studies\n", w.s, n)
	for _, q := range w.questions(n) {
		if err := w.ask(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// request is one kind of request; path makes the next one.
type request struct {
	name    string
	accept  string
	clients int
	path    func(*rand.Rand) string
}

const (
	asJSON   = "application/dicom+json"
	asFrames = `multipart/related; type="application/octet-stream"; transfer-syntax=*`
	asStudy  = `multipart/related; type="application/dicom"; transfer-syntax=*`
)

func (w *webRun) questions(studies int) []request {
	slice := func(n *rand.Rand) string { return w.ct.objects[n.IntN(len(w.ct.objects))].path4() }
	day := func(n *rand.Rand) time.Time {
		return time.Date(2015+n.IntN(10), time.Month(1+n.IntN(12)), 1+n.IntN(20), 0, 0, 0, 0, time.UTC)
	}
	at := fmt.Sprintf(" at %d studies", studies)
	return []request{
		{"QIDO by patient ID" + at, asJSON, 1, func(n *rand.Rand) string {
			return "/studies?PatientID=" + population.Patient(populationStudy(n.IntN(max(studies, 1))).Patient, "").ID
		}},
		{"QIDO by a week" + at, asJSON, 1, func(n *rand.Rand) string {
			d := day(n)
			return "/studies?StudyDate=" + d.Format("20060102") + "-" + d.AddDate(0, 0, 6).Format("20060102")
		}},
		{"metadata of 1,000 slices", asJSON, 1, func(*rand.Rand) string { return w.long.objects[0].series4() + "/metadata" }},
		{oneFrame, asFrames, 1, func(n *rand.Rand) string { return slice(n) + "/frames/1" }},
		{manyFrames, asFrames, 16, func(n *rand.Rand) string { return slice(n) + "/frames/1" }},
		{"a slice rendered at 128 x 128, 4 clients", "image/jpeg", 4, func(n *rand.Rand) string { return slice(n) + "/rendered?viewport=128,128" }},
		{wholeStudy, asStudy, 1, func(n *rand.Rand) string {
			return "/studies/" + string(w.ct.studies[n.IntN(len(w.ct.studies))])
		}},
	}
}

// The questions that plain files answer too.
const (
	oneFrame   = "a frame of 0.5 MB, 1 client"
	manyFrames = "a frame of 0.5 MB, 16 clients"
	wholeStudy = "study of 100 slices"
)

// askFor is how long one kind of request is asked.
const askFor = 3 * time.Second

// ask repeats a request from several clients until the time is up.
func (w *webRun) ask(ctx context.Context, q request) error {
	result := webResult{subject: w.s, what: q.name}
	var took durations
	var bytes atomic.Int64
	u, err := watch(w.srv, func() error {
		until := time.Now().Add(askFor)
		errs := make([]error, q.clients)
		var clients sync.WaitGroup
		for c := range q.clients {
			clients.Go(func() {
				random := rand.New(rand.NewPCG(7, uint64(c)))
				for time.Now().Before(until) && errs[c] == nil {
					began := time.Now()
					n, err := w.srv.web.get(ctx, q.path(random), q.accept)
					if errs[c] = err; err != nil {
						return
					}
					bytes.Add(n)
					took.add(time.Since(began))
				}
			})
		}
		clients.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		var refused *statusError
		if errors.As(err, &refused) { // the peer has it not: the row stays empty
			fmt.Printf("web: %s: %s: %v\n", w.s, q.name, refused)
			return nil
		}
		return fmt.Errorf("%s: %w", q.name, err)
	}
	result.bytes = bytes.Load()
	w.report(result, u, &took)
	return nil
}

// statusError is an answer that is no success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %.200s", e.status, e.text) }

func (s *site) get(ctx context.Context, path, accept string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", accept)
	return s.do(req)
}

// do returns how many bytes came.
func (s *site) do(req *http.Request) (int64, error) {
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	answer, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		return 0, &statusError{answer.StatusCode, string(text)}
	}
	return io.Copy(io.Discard, answer.Body)
}

// stow stores the slices of the load, one a request, from four clients.
func (w *webRun) stow(ctx context.Context) error {
	result := webResult{subject: w.s, what: "STOW of slices of 0.5 MB, 4 clients", bytes: w.ct.bytes}
	var took durations
	u, err := watch(w.srv, func() error {
		shares := w.ct.shares(4)
		errs := make([]error, len(shares))
		var clients sync.WaitGroup
		for i, share := range shares {
			clients.Go(func() {
				for _, o := range share {
					began := time.Now()
					if errs[i] = w.srv.web.stow(ctx, o.path); errs[i] != nil {
						return
					}
					took.add(time.Since(began))
				}
			})
		}
		clients.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("STOW: %w", err)
	}
	w.report(result, u, &took)
	return nil
}

func (w *webRun) report(a webResult, u usage, took *durations) {
	slices.Sort(took.all)
	a.usage, a.answers = u, len(took.all)
	a.p50, a.p95 = took.all[len(took.all)/2], took.all[len(took.all)*95/100]
	w.r.webbed = append(w.r.webbed, a)
	fmt.Printf("web: %-41s %-9s %s\n", a.what, w.s, a)
}

// durations gathers what several clients measure.
type durations struct {
	mu  sync.Mutex
	all []time.Duration
}

func (d *durations) add(one time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, one)
}

func (s *site) stow(ctx context.Context, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const begin, end = "--B\r\nContent-Type: application/dicom\r\n\r\n", "\r\n--B--\r\n"
	body := io.MultiReader(bytes.NewReader([]byte(begin)), bytes.NewReader(file), bytes.NewReader([]byte(end)))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/studies", body)
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(begin) + len(file) + len(end))
	req.Header.Set("Content-Type", `multipart/related; type="application/dicom"; boundary=B`)
	req.Header.Set("Accept", asJSON)
	_, err = s.do(req)
	return err
}

// series4 and path4 are the resources of the object's series and of itself
// (PS3.18 section 10.1).
func (o *object) series4() string {
	return "/studies/" + string(o.study) + "/series/" + string(o.series)
}

func (o *object) path4() string { return o.series4() + "/instances/" + string(o.instance) }

// webResult is how one kind of request went.
type webResult struct {
	subject, what string
	answers       int
	bytes         int64
	p50, p95      time.Duration
	usage
}

func (a webResult) rate() float64 { return float64(a.answers) / a.took.Seconds() }

// each is the server's processor time for an answer.
func (a webResult) each() time.Duration { return a.cpu / time.Duration(max(a.answers, 1)) }

func (a webResult) String() string {
	return fmt.Sprintf("%8.1f a second %7.1f MB/s  p50 %7.2f ms  p95 %7.2f ms  CPU %6.2f ms each", a.rate(),
		float64(a.bytes)/1e6/a.took.Seconds(), milliseconds(a.p50), milliseconds(a.p95), milliseconds(a.each()))
}

func (r *results) webOf(subject, what string) (webResult, bool) {
	for _, a := range r.webbed {
		if a.subject == subject && a.what == what {
			return a, true
		}
	}
	return webResult{}, false
}
