package web

import (
	"errors"
	"slices"

	"github.com/tresor-pacs/tresor/internal/identity"
)

// serveSignUserOut ends all sessions and links of a person.
func serveSignUserOut(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if _, err := x.self(); err != nil {
		return err
	}
	return x.userDone(&u, nil, x.act(accountEvent(u.Name, "sessions ended"), func() error {
		return x.site.Accounts.EndSessions(x.Context(), u.Name)
	}))
}

// serveEndUserSession ends one session of a person.
func serveEndUserSession(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if _, err := x.self(); err != nil {
		return err
	}
	id := x.path["id"]
	if !slices.ContainsFunc(x.site.sessionsOf(u.Name), func(s identity.Session) bool { return s.ID == id }) {
		return errAbsent
	}
	return x.userDone(&u, nil, x.act(accountEvent(u.Name, "session "+id+" ended"), func() error {
		x.site.Sessions.EndID(id)
		return nil
	}))
}

// serveRevokeUserToken revokes one token of a person.
func serveRevokeUserToken(x *exchange) error {
	u, err := x.known()
	if err != nil {
		return err
	}
	if _, err := x.self(); err != nil {
		return err
	}
	id := x.path["id"]
	if !slices.ContainsFunc(x.site.tokensOf(u.Name), func(t identity.Token) bool { return t.ID == id }) {
		return errAbsent
	}
	return x.userDone(&u, nil, x.act(accountEvent(u.Name, "token "+id+" revoked"), func() error {
		if err := x.site.Accounts.RevokeToken(x.Context(), id); !errors.Is(err, identity.ErrNoToken) {
			return err
		}
		return nil // it ended meanwhile
	}))
}
