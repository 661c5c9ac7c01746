package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/policy"
)

var asideRoutes = []Route{
	{Method: http.MethodGet, Path: "/quarantine", Right: policy.Settle, serve: serveQuarantine},
	{Method: http.MethodGet, Path: "/quarantine/{id}", Right: policy.Settle, serve: serveAside},
	{Method: http.MethodPost, Path: "/quarantine/{id}", Right: policy.Settle, serve: serveDecide},
}

// asideRow is an instance that came with other bytes under a UID that was taken.
type asideRow struct {
	archive.Quarantined
	Name   string // ID for people
	State  string // key of a text
	Failed string
	Waits  bool // for a choice
}

// asideStates are the texts for what becomes of an instance.
var asideStates = map[string]string{"waiting": "aside.waiting", "kept aside": "aside.kept", "ordered": "aside.ordered", "failed": "aside.failed"}

func asideOf(r *access.Register, q *archive.Quarantined) asideRow {
	word, failed := r.Fate(string(q.Location))
	return asideRow{Quarantined: *q, Name: q.ID(), State: asideStates[word], Failed: failed, Waits: word == "waiting" || word == "failed"}
}

// maxAsides is how many instances the page lists.
const maxAsides = 500

// serveQuarantine lists the quarantine: what waits first, then what was decided.
func serveQuarantine(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	var waiting, settled []asideRow
	for q, err := range x.session().Quarantine(x.Context()) {
		if err != nil {
			return err
		}
		row := asideOf(r, &q)
		switch {
		case row.Waits && len(waiting) < maxAsides:
			waiting = append(waiting, row)
		case !row.Waits && len(settled) < maxAsides:
			settled = append(settled, row)
		}
	}
	x.render(http.StatusOK, "quarantine", page{Title: "aside.title", Body: map[string]any{"Waiting": waiting, "Settled": settled}})
	return nil
}

// asidePage is both versions side by side. It has no picture: who settles holds
// no right to see one.
type asidePage struct {
	asideRow
	Stored  archive.Entry
	Changes []archive.Change
	Gone    bool // nothing is stored under the UID any more
	Choice  string
	Reason  string
	Error   string // key of a text
}

// aside returns the instance that the path names.
func (x *exchange) aside() (archive.Quarantined, error) {
	for q, err := range x.session().Quarantine(x.Context()) {
		if err != nil {
			return q, err
		}
		if q.ID() == x.path["id"] {
			return q, nil
		}
	}
	return archive.Quarantined{}, errAbsent
}

func serveAside(x *exchange) error {
	q, err := x.aside()
	if err != nil {
		return err
	}
	return x.showAside(http.StatusOK, &q, asidePage{})
}

func (x *exchange) showAside(code int, q *archive.Quarantined, p asidePage) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	p.asideRow = asideOf(r, q)
	p.Stored, p.Changes, err = x.session().Compare(x.Context(), q)
	if p.Gone = errors.Is(err, archive.ErrNotFound); err != nil && !p.Gone {
		return err
	}
	x.render(code, "aside", page{Title: "aside.title", Body: p})
	return nil
}

// serveDecide makes a choice, which the archive carries out at once.
func serveDecide(x *exchange) error {
	r, err := x.register()
	if err != nil {
		return err
	}
	q, err := x.aside()
	if err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	p := asidePage{Choice: x.PostForm.Get("choice"), Reason: x.PostForm.Get("reason")}
	o := access.Order{Location: string(q.Location), Instance: q.Instance, Study: q.Study, Choice: access.Choice(p.Choice), Reason: strings.TrimSpace(p.Reason)}
	if access.CheckReason(p.Reason) != nil || o.Choice != access.Keep && o.Choice != access.Replace && o.Choice != access.Drop {
		p.Error = "aside.why"
		return x.showAside(http.StatusUnprocessableEntity, &q, p)
	}
	if err = r.Decide(x.Context(), x.session(), o); err == nil {
		await(x.Context(), func() bool { word, _ := r.Fate(o.Location); return word != "ordered" })
	}
	return x.settle(err, "/quarantine", func(code int, problem string) error {
		p.Error = problem
		return x.showAside(code, &q, p)
	})
}
