package web

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/tresor-pacs/tresor/internal/identity"
)

// recoveryPage shows recovery codes, once.
type recoveryPage struct {
	Codes []string
	Next  string
}

func (x *exchange) showRecovery(codes []string) error {
	if len(codes) == 0 {
		return x.toAccount()
	}
	x.render(http.StatusOK, "recovery", page{Title: "recovery.title", Body: recoveryPage{codes, "/account"}})
	return nil
}

// serveAppBegin shows what an authenticator app needs.
func serveAppBegin(x *exchange) error {
	user, ok, err := x.fresh()
	if !ok || err != nil {
		return err
	}
	e, err := x.site.Accounts.BeginTOTP(x.Context(), "Tresor", user)
	if err != nil {
		return err
	}
	x.showEnrolment(e, "")
	return nil
}

func (x *exchange) showEnrolment(e *identity.TOTPEnrolment, problem string) {
	x.render(http.StatusOK, "enrol", page{Title: "enrol.title", Body: enrolForm{Error: problem, Secret: e.Secret,
		QR: template.HTML(e.QR), Action: "/account/app"}})
}

// serveAppConfirm takes the first code of the app.
func serveAppConfirm(x *exchange) error {
	user, ok, err := x.fresh()
	if !ok || err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	if err := x.noteAccount(user, appSetUp); err != nil {
		return err
	}
	recovery, err := x.site.Accounts.ConfirmTOTP(x.Context(), user, x.PostForm.Get("code"))
	if errors.Is(err, identity.ErrCode) || errors.Is(err, identity.ErrNoEnrolment) {
		if err := x.noteFailed(user, appSetUp, err); err != nil {
			return err
		}
		e, err := x.site.Accounts.PendingTOTP("Tresor", user)
		if err != nil {
			return x.toAccount()
		}
		x.showEnrolment(e, "code.wrong")
		return nil
	}
	if err != nil {
		return err
	}
	return x.showRecovery(recovery)
}

// serveAppRemove takes the authenticator app away.
func serveAppRemove(x *exchange) error {
	return x.change("authenticator app removed", func(user string) error { return x.site.Accounts.RemoveTOTP(x.Context(), user) })
}

// change does something to how the visitor signs in, after it is in the trail.
func (x *exchange) change(what string, do func(user string) error) error {
	user, ok, err := x.fresh()
	if !ok || err != nil {
		return err
	}
	if err := x.noteAccount(user, what); err != nil {
		return err
	}
	if err := do(user); errors.Is(err, identity.ErrNoPasskey) {
		return errAbsent
	} else if err != nil {
		return err
	}
	return x.toAccount()
}

// serveRecovery makes new recovery codes.
func serveRecovery(x *exchange) error {
	user, ok, err := x.fresh()
	if !ok || err != nil {
		return err
	}
	if !x.site.Accounts.Factors(user).Second() {
		return errForm
	}
	if err := x.noteAccount(user, "new recovery codes"); err != nil {
		return err
	}
	codes, err := x.site.Accounts.NewRecoveryCodes(x.Context(), user)
	if err != nil {
		return err
	}
	return x.showRecovery(codes)
}

// serveNewPasskeyBegin answers the options for making a passkey, as JSON.
func serveNewPasskeyBegin(x *exchange) error {
	user, err := x.self()
	if err != nil {
		return err
	}
	if x.site.People.Passkeys == nil || !x.isFresh() {
		return errForm
	}
	ticket, options, err := x.site.People.Passkeys.BeginRegistration(x.Context(), user, x.site.Source(x.Request))
	if err != nil {
		return err
	}
	x.setStep(ticket)
	x.json(options)
	return nil
}

// serveNewPasskey keeps a passkey that the browser has made.
func serveNewPasskey(x *exchange) error {
	user, ok, err := x.fresh()
	if !ok || err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	if x.site.People.Passkeys == nil {
		return errAbsent
	}
	if err := x.noteAccount(user, "passkey added"); err != nil {
		return err
	}
	_, recovery, err := x.site.People.Passkeys.FinishRegistration(x.Context(), user, cookieValue(x.Request, stepCookie),
		x.PostForm.Get("name"), []byte(x.PostForm.Get("answer")))
	http.SetCookie(x.w, cookie(stepCookie, "", 0))
	if errors.Is(err, identity.ErrPasskey) {
		x.site.Log.WarnContext(x.Context(), "web: passkey not registered", "error", err)
		if err := x.noteFailed(user, "passkey added", identity.ErrPasskey); err != nil {
			return err
		}
		return x.showAccount(http.StatusUnprocessableEntity, "passkey.failed")
	}
	if err != nil {
		return err
	}
	return x.showRecovery(recovery)
}

// serveRenamePasskey gives a passkey another name.
func serveRenamePasskey(x *exchange) error {
	user, err := x.self()
	if err != nil {
		return err
	}
	if err := x.parseForm(); err != nil {
		return err
	}
	if err := x.noteAccount(user, "passkey "+x.path["id"]+" renamed"); err != nil {
		return err
	}
	err = x.site.Accounts.RenamePasskey(x.Context(), user, x.path["id"], x.PostForm.Get("name"))
	switch {
	case errors.Is(err, identity.ErrNoPasskey):
		return errAbsent
	case errors.Is(err, identity.ErrPasskeyName):
		return errForm
	case err != nil:
		return err
	}
	return x.toAccount()
}

// serveRemovePasskey takes a passkey away.
func serveRemovePasskey(x *exchange) error {
	id := x.path["id"]
	return x.change("passkey "+id+" removed", func(user string) error { return x.site.Accounts.RemovePasskey(x.Context(), user, id) })
}
