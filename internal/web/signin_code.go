package web

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
)

var codeRoutes = []Route{
	{Method: http.MethodGet, Path: stepPath, Open: true, Passive: true, serve: serveCode},
	{Method: http.MethodPost, Path: stepPath, Open: true, serve: serveCodeCheck},
	{Method: http.MethodGet, Path: stepEnrolURL, Open: true, Passive: true, serve: serveEnrol},
	{Method: http.MethodPost, Path: stepEnrolURL, Open: true, serve: serveEnrolled},
}

// codeForm is what the page for a code shows.
type codeForm struct {
	Error   string // key of a text
	Factors identity.Factors
}

// enrolForm is what the page shows on which an authenticator app is set up.
type enrolForm struct {
	Error  string // key of a text
	Secret string
	QR     template.HTML // drawn by identity: a picture of numbers alone
	Action string
}

// passed goes on after a right password: to the second factor if there is one, or
// has to be, else into the session.
func (x *exchange) passed(user, next string) error {
	to := stepPath
	if !x.site.Accounts.Factors(user).Second() {
		if !x.site.People.Required {
			return x.admit(user, "password", next)
		}
		to = stepEnrolURL
	}
	return x.await(step{user: user, next: next}, to)
}

// await has the browser go on with a step.
func (x *exchange) await(s step, to string) error {
	ticket, err := x.site.People.steps.Issue(x.site.Source(x.Request), s)
	if err != nil {
		return err
	}
	x.setStep(ticket)
	http.Redirect(x.w, x.Request, to, http.StatusSeeOther)
	return nil
}

// anew sends the browser back to the sign-in: the step has run out.
func (x *exchange) anew() error {
	http.SetCookie(x.w, cookie(stepCookie, "", 0))
	http.Redirect(x.w, x.Request, "/login", http.StatusSeeOther)
	return nil
}

// serveCode asks for the code.
func serveCode(x *exchange) error {
	s, known := x.site.People.steps.Look(cookieValue(x.Request, stepCookie))
	if !known {
		return x.anew()
	}
	form := codeForm{Factors: x.site.Accounts.Factors(s.user)}
	if s.tries > 0 {
		form.Error = "code.wrong"
	}
	x.render(http.StatusOK, "code", page{Title: "code.title", Body: form})
	return nil
}

// serveCodeCheck takes a one-time code or a recovery code.
func serveCodeCheck(x *exchange) error {
	if err := x.parseForm(); err != nil {
		return err
	}
	s, known := x.site.People.steps.Take(cookieValue(x.Request, stepCookie))
	if !known {
		return x.anew()
	}
	if !x.mayTry(s.user) {
		form := codeForm{Error: "signin.wait", Factors: x.site.Accounts.Factors(s.user)}
		x.w.Header().Set("Retry-After", "300")
		x.render(http.StatusTooManyRequests, "code", page{Title: "code.title", Body: form})
		return nil
	}
	err := x.site.Accounts.VerifySecondFactor(x.Context(), s.user, x.PostForm.Get("code"))
	if errors.Is(err, identity.ErrCode) {
		if err := x.noteRefusal(s.user, "second factor"); err != nil {
			return err
		}
		if s.tries++; s.tries >= codeTries {
			return x.anew()
		}
		return x.await(s, stepPath)
	}
	if err != nil {
		return err
	}
	return x.finish(s, "password and code")
}

// mayTry counts an attempt at the code of a user.
func (x *exchange) mayTry(user string) bool { return x.site.People.codes.Count(x.codeKey(user)) }

func (x *exchange) codeKey(user string) string {
	if x.site.guard.Knows(cookieValue(x.Request, browserCookie), user) {
		return user + " at a known browser"
	}
	return user
}

// finish begins the session of a sign-in in several steps.
func (x *exchange) finish(s step, how string) error {
	x.site.People.codes.Forgive(x.codeKey(s.user))
	http.SetCookie(x.w, cookie(stepCookie, "", 0))
	return x.admit(s.user, how, s.next)
}

// serveEnrol shows what an authenticator app needs, to somebody whose password was
// right and who must have a second factor.
func serveEnrol(x *exchange) error {
	s, known := x.site.People.steps.Look(cookieValue(x.Request, stepCookie))
	if !known || x.site.Accounts.Factors(s.user).Second() {
		return x.anew()
	}
	e, err := x.enrolment(s.user)
	if err != nil {
		return err
	}
	form := enrolForm{Secret: e.Secret, QR: template.HTML(e.QR), Action: stepEnrolURL}
	if s.tries > 0 {
		form.Error = "code.wrong"
	}
	x.render(http.StatusOK, "enrol", page{Title: "enrol.title", Body: form})
	return nil
}

// enrolment returns the enrolment that is under way, or begins one.
func (x *exchange) enrolment(user string) (*identity.TOTPEnrolment, error) {
	e, err := x.site.Accounts.PendingTOTP("Tresor", user)
	if errors.Is(err, identity.ErrNoEnrolment) {
		e, err = x.site.Accounts.BeginTOTP(x.Context(), "Tresor", user)
	}
	return e, err
}

// serveEnrolled takes the first code and signs in.
func serveEnrolled(x *exchange) error {
	if err := x.parseForm(); err != nil {
		return err
	}
	s, known := x.site.People.steps.Take(cookieValue(x.Request, stepCookie))
	if !known || x.site.Accounts.Factors(s.user).Second() || !x.mayTry(s.user) {
		return x.anew()
	}
	if err := x.noteAccount(s.user, appSetUp); err != nil {
		return err
	}
	recovery, err := x.site.Accounts.ConfirmTOTP(x.Context(), s.user, x.PostForm.Get("code"))
	if errors.Is(err, identity.ErrCode) || errors.Is(err, identity.ErrNoEnrolment) {
		if err := x.noteFailed(s.user, appSetUp, err); err != nil {
			return err
		}
		if s.tries++; s.tries >= codeTries {
			return x.anew()
		}
		return x.await(s, stepEnrolURL)
	}
	if err != nil {
		return err
	}
	http.SetCookie(x.w, cookie(stepCookie, "", 0))
	return x.begin(s.user, "password and code", func() {
		x.render(http.StatusOK, "recovery", page{Title: "recovery.title", Body: recoveryPage{recovery, local(s.next)}})
	})
}

// appSetUp is what the trail says of an authenticator app.
const appSetUp = "authenticator app set up"

// noteAccount writes a change of an account by its own user to the trail, before it
// is made.
func (x *exchange) noteAccount(user, what string) error { return x.note(accountEvent(user, what)) }

// noteFailed writes down that a change did not come about.
func (x *exchange) noteFailed(user, what string, why error) error {
	e := accountEvent(user, what)
	e.Outcome, e.Reason = audit.SeriousFailure, why.Error()
	return x.note(e)
}

func accountEvent(user, what string) audit.Event {
	return audit.Event{Code: audit.UserSecurity, Details: []audit.Detail{{Name: "what", Value: what}, {Name: "user", Value: user}}}
}
