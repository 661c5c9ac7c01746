package web

import (
	"errors"
	"net/http"

	"github.com/tresor-pacs/tresor/internal/access"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
)

var shareRoutes = []Route{
	{Method: http.MethodGet, Path: "/share/{token}", Open: true, Passive: true, serve: serveShare},
	{Method: http.MethodPost, Path: "/share/{token}", Open: true, serve: serveShareFactor},
}

// Shares is what the pages need to let somebody in who holds a link.
type Shares struct {
	Register *access.Register
	Sessions *access.ShareSessions
	Link     func(secret string) string // the address that a share's secret makes
}

// shareForm is what the page behind a share's link shows.
type shareForm struct {
	Birth bool   // asks for the patient's birth date, else for a code
	Error string // key of a text
}

// share returns what the link leads to. Who tries links has to wait.
func (x *exchange) share() (s access.Share, good bool, err error) {
	if x.site.Shares == nil {
		return s, false, errAbsent
	}
	s, err = x.site.Shares.Register.FindShare(x.path["token"])
	if err == nil {
		return s, true, nil
	}
	return s, false, x.noShare()
}

// noShare answers somebody whose link or second factor is not good.
func (x *exchange) noShare() error {
	if _, err := x.site.guard.Admit(x.site.Source(x.Request), "", ""); err != nil {
		x.w.Header().Set("Retry-After", "60")
		x.render(http.StatusTooManyRequests, "share-gone", page{Title: "share.title", Body: "signin.wait"})
		return nil
	}
	if err := x.noteShare("", audit.SeriousFailure, access.ErrShare.Error()); err != nil {
		return err
	}
	x.render(http.StatusNotFound, "share-gone", page{Title: "share.title", Body: "share.gone"})
	return nil
}

// noteShare writes a use of a share, or an attempt, to the trail in its name.
func (x *exchange) noteShare(id string, outcome audit.Outcome, reason string) error {
	e := audit.Event{Code: audit.Login, Outcome: outcome, Reason: reason}
	if id != "" {
		e.Details = []audit.Detail{{Name: "share", Value: id}}
	}
	return x.note(e)
}

// serveShare asks for the second factor. Looking uses nothing up: programs that
// look at the links in messages do it before people.
func serveShare(x *exchange) error {
	s, good, err := x.share()
	if !good || err != nil {
		return err
	}
	x.render(http.StatusOK, "share", page{Title: "share.title", Body: shareForm{Birth: s.Factor == access.BirthDate}})
	return nil
}

// serveShareFactor lets in who shows the second factor, for a while.
func serveShareFactor(x *exchange) error {
	s, good, err := x.share()
	if !good || err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	if _, err := x.site.guard.Admit(x.site.Source(x.Request), "", ""); err != nil {
		return x.noShare()
	}
	redeemed, err := x.site.Shares.Register.Redeem(x.path["token"], x.PostForm.Get("factor"))
	if errors.Is(err, access.ErrShare) {
		if err := x.noteShare(s.ID, audit.SeriousFailure, "the second factor of the share is wrong"); err != nil {
			return err
		}
		form := shareForm{Birth: s.Factor == access.BirthDate, Error: "share.wrong"}
		x.render(http.StatusUnprocessableEntity, "share", page{Title: "share.title", Body: form})
		return nil
	}
	if err != nil {
		return err
	}
	return x.beginShare(&redeemed)
}

func (x *exchange) beginShare(s *access.Share) error {
	visitor := x.site.Archive.As(s.Principal()).From(archive.Origin{Peer: x.RemoteAddr, Association: "share " + s.ID})
	e := audit.Event{Code: audit.Login, Studies: s.Studies, Details: []audit.Detail{{Name: "share", Value: s.ID}}}
	if err := visitor.Note(x.Context(), e); err != nil {
		return err
	}
	secret, err := x.site.Shares.Sessions.Begin(s.ID)
	if err != nil {
		return x.noShare()
	}
	http.SetCookie(x.w, cookie(SessionCookie, secret, access.ShareSession))
	http.Redirect(x.w, x.Request, "/", http.StatusSeeOther)
	return nil
}
