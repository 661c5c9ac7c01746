package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var erasureRoutes = []Route{
	{Method: http.MethodGet, Path: "/erasures", Right: policy.Erase, serve: serveErasures},
	{Method: http.MethodPost, Path: "/erasures", Right: policy.Erase, serve: serveRequestErasure},
	{Method: http.MethodGet, Path: "/erasures/{id}", Right: policy.Erase, serve: serveErasure},
	{Method: http.MethodPost, Path: "/erasures/{id}/agree", Right: policy.Erase, serve: serveAgree},
	{Method: http.MethodPost, Path: "/erasures/{id}/withdraw", Right: policy.Erase, serve: serveWithdraw},
	{Method: http.MethodGet, Path: "/erasures/{id}/certificate", Right: policy.Erase, serve: serveCertificate},
}

// erasuresPage lists erasures and asks for one.
type erasuresPage struct {
	Rows         []erasureRow
	On           string // typed: study or patient
	Name, Reason string
	Error        string // key of a text
}

type erasureRow struct {
	access.Erasure
	State string // key of a text
}

// erasureStates are the texts for the states of an erasure.
var erasureStates = map[string]string{"withdrawn": "erase.withdrawn", "requested": "erase.requested", "done": "erase.done",
	"waiting": "erase.waiting", "agreed": "erase.agreed"}

// maxErasures is how many the list shows, the newest first.
const maxErasures = 200

func serveErasures(x *exchange) error {
	return x.erasures(http.StatusOK, erasuresPage{On: "study", Name: x.URL.Query().Get("study")})
}

func (x *exchange) erasures(code int, p erasuresPage) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	for _, e := range r.Erasures() {
		if len(p.Rows) < maxErasures {
			p.Rows = append(p.Rows, erasureRow{e, erasureStates[e.State()]})
		}
	}
	x.render(code, "erasures", page{Title: "erase.title", Body: p})
	return nil
}

// serveRequestErasure is the first pair of eyes.
func serveRequestErasure(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	p := erasuresPage{On: x.PostForm.Get("on"), Name: strings.TrimSpace(x.PostForm.Get("name")), Reason: x.PostForm.Get("reason")}
	if access.CheckReason(p.Reason) != nil {
		p.Error = "privacy.why"
		return x.erasures(http.StatusUnprocessableEntity, p)
	}
	studies, err := x.toErase(p.On, p.Name)
	if err != nil {
		return err
	}
	if len(studies) == 0 {
		p.Error = "erase.whom"
		return x.erasures(http.StatusUnprocessableEntity, p)
	}
	e, err := r.RequestErasure(x.Context(), x.session(), studies, p.Reason)
	if err != nil {
		return err
	}
	http.Redirect(x.w, x.Request, "/erasures/"+e.ID, http.StatusSeeOther)
	return nil
}

// toErase returns the studies that are named, or those that a patient has now;
// none if the name is not one.
func (x *exchange) toErase(on, name string) (studies []dicom.UID, err error) {
	if on == "patient" {
		if name == "" {
			return nil, nil
		}
		studies, err = archive.StudiesOf(x.Context(), x.session(), name)
		if errors.Is(err, archive.ErrNotFound) {
			return nil, nil
		}
		return studies, err
	}
	for _, uid := range strings.Fields(name) {
		if !dicom.UID(uid).Tolerable() {
			return nil, nil
		}
		studies = append(studies, dicom.UID(uid))
	}
	return studies, nil
}

// erasurePage is one erasure with what is known of its studies now.
type erasurePage struct {
	erasureRow
	Own     bool // the visitor asked for it: somebody else has to agree
	Open    bool // can be withdrawn
	Waiting bool // for somebody to agree
	Studies []eraseRow
	More    int    // studies that are not shown
	Error   string // key of a text
}

// eraseRow is a study of an erasure.
type eraseRow struct {
	UID    dicom.UID
	Here   bool
	Kept   keptRow
	Erased time.Time // zero: not yet
}

// maxEraseRows is how many studies of one erasure are looked up.
const maxEraseRows = 100

func serveErasure(x *exchange) error { return x.erasure(http.StatusOK, "") }

func (x *exchange) erasureOf(r *access.Register) (access.Erasure, error) {
	list := r.Erasures()
	i := slices.IndexFunc(list, func(e access.Erasure) bool { return e.ID == x.path["id"] })
	if i < 0 {
		return access.Erasure{}, errAbsent
	}
	return list[i], nil
}

func (x *exchange) erasure(code int, problem string) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	e, err := x.erasureOf(r)
	if err != nil {
		return err
	}
	state := e.State()
	p := erasurePage{erasureRow: erasureRow{e, erasureStates[state]}, Own: e.By == x.visitor.principal().Account(), Error: problem,
		Open: state != "withdrawn" && state != "done", Waiting: state == "requested"}
	for i, uid := range e.Studies {
		if i == maxEraseRows {
			p.More = len(e.Studies) - i
			break
		}
		row := eraseRow{UID: uid}
		if c := slices.IndexFunc(e.Certificates, func(c access.Certificate) bool { return c.Study == uid }); c >= 0 {
			row.Erased = e.Certificates[c].At
		} else if row.Kept, row.Here, err = x.kept(r, uid); err != nil {
			return err
		}
		p.Studies = append(p.Studies, row)
	}
	x.render(code, "erasure", page{Title: "erase.title", Body: p})
	return nil
}

// serveAgree is the second pair of eyes. What need not wait is carried out now.
func serveAgree(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	id := x.path["id"]
	if err = r.AgreeToErasure(x.Context(), x.session(), id); err == nil {
		await(x.Context(), func() bool {
			e, err := x.erasureOf(r)
			return err != nil || len(e.Certificates)+len(e.Waits) >= len(e.Studies)
		})
	}
	return x.settle(err, "/erasures/"+id, x.erasure)
}

// serveWithdraw ends a request.
func serveWithdraw(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	id := x.path["id"]
	return x.settle(r.WithdrawErasure(x.Context(), x.session(), id), "/erasures/"+id, x.erasure)
}

// serveCertificate sends the signed certificates of an erasure as a file, one
// JSON object a line, as the command line prints them.
func serveCertificate(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	e, err := x.erasureOf(r)
	if err != nil {
		return err
	}
	if len(e.Certificates) == 0 {
		return errAbsent
	}
	var b strings.Builder
	for _, c := range e.Certificates {
		if err := json.NewEncoder(&b).Encode(c); err != nil {
			return err
		}
	}
	x.w.Header().Set("Content-Type", "application/x-ndjson")
	x.w.Header().Set("Content-Disposition", `attachment; filename="erasure-`+e.ID+`.json"`)
	_, err = x.w.Write([]byte(b.String()))
	return err
}
