package identity

import (
	"context"
	"errors"
	"time"
)

// TOTPEnrolment is what a user needs to set an authenticator app up. It holds a
// secret: it is shown once and never logged.
type TOTPEnrolment struct {
	Secret string // to type
	URI    string // otpauth://
	QR     []byte // the URI as a picture: SVG, without script or style
}

// ErrNoEnrolment says that an enrolment was not begun, or too long ago.
var ErrNoEnrolment = errors.New("the enrolment was not begun, or has run out: begin anew")

// BeginTOTP begins to enrol an authenticator app, named in it after the issuer.
// What was enrolled before stays good until ConfirmTOTP.
func (a *Accounts) BeginTOTP(ctx context.Context, issuer, user string) (*TOTPEnrolment, error) {
	t := newTOTP(a.second())
	e := &TOTPEnrolment{Secret: t.text(), URI: t.uri(issuer, user)}
	var err error
	if e.QR, err = qrSVG(e.URI); err != nil {
		return nil, err
	}
	if err := a.updateFactors(ctx, user, func(f *factors) error { f.Pending = t; return nil }); err != nil {
		return nil, err
	}
	return e, nil
}

// PendingTOTP returns the enrolment that was begun last, to show it again
// after a wrong code.
func (a *Accounts) PendingTOTP(issuer, user string) (*TOTPEnrolment, error) {
	f := a.current.Load().byFactor[user]
	if f == nil || !f.pending(a.now()) {
		return nil, ErrNoEnrolment
	}
	e := &TOTPEnrolment{Secret: f.Pending.text(), URI: f.Pending.uri(issuer, user)}
	var err error
	e.QR, err = qrSVG(e.URI)
	return e, err
}

// ConfirmTOTP ends an enrolment with the first code of the app, which is used
// up by it. It returns recovery codes if the user had none: they cannot be
// shown again.
func (a *Accounts) ConfirmTOTP(ctx context.Context, user, code string) (recovery []string, err error) {
	err = a.updateFactors(ctx, user, func(f *factors) error {
		if !f.pending(a.now()) {
			return ErrNoEnrolment
		}
		if !f.Pending.take(code, a.now()) {
			return ErrCode
		}
		f.TOTP, f.Pending = f.Pending, nil
		recovery = f.ensureRecovery()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

func (f *factors) pending(now time.Time) bool {
	return f.Pending != nil && now.Sub(f.Pending.Created) <= pendingValidity
}
