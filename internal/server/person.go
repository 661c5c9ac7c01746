package server

import (
	"context"
	"errors"
	"strings"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Person returns a user who has shown a password or a bearer token of theirs at
// the command line, as an actor. Failures are in the trail.
func (a *Admin) Person(ctx context.Context, name, secret string) (*Actor, error) {
	p, err := a.person(ctx, name, secret)
	if err != nil {
		e := audit.Event{Code: audit.Login, Outcome: audit.SeriousFailure, Reason: "the credential is not good",
			Details: []audit.Detail{{Name: "user", Value: name}}}
		return nil, errors.Join(identity.ErrSignIn, a.Note(ctx, e))
	}
	return a.As(p), nil
}

func (a *Admin) person(ctx context.Context, name, secret string) (policy.Principal, error) {
	if strings.HasPrefix(secret, "tresor_") {
		p, _, err := a.Accounts.AuthenticateToken(secret)
		if err == nil && p.Name != name {
			err = identity.ErrSignIn
		}
		return p, err
	}
	u, err := a.Accounts.SignIn(ctx, name, secret)
	if err != nil {
		return policy.Principal{}, err
	}
	return u.Principal(), nil
}
