package identity

import (
	"context"
	"errors"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// claims are what a verified token says.
type claims struct {
	Subject    string
	Audience   []string
	Nonce      string
	Authorized string // azp
	all        map[string]any
}

// verifyJWT returns the claims of a token that the verifier accepts: signature,
// issuer, audience and expiry.
func verifyJWT(ctx context.Context, v *oidc.IDTokenVerifier, raw string) (*claims, error) {
	if raw == "" || len(raw) > maxJWT {
		return nil, errors.New("there is no token, or it is too long")
	}
	t, err := v.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	c := &claims{Subject: t.Subject, Audience: t.Audience, Nonce: t.Nonce}
	if c.Subject == "" || len(c.Subject) > 255 { // OpenID Connect Core 1.0 section 2
		return nil, errors.New("the token has no subject of at most 255 characters")
	}
	if err := t.Claims(&c.all); err != nil {
		return nil, err
	}
	c.Authorized, _ = c.all["azp"].(string)
	return c, nil
}

// value returns a claim; dots lead into objects. A claim whose own name has
// dots, as that of a URL, is found first.
func (c *claims) value(path string) any {
	var at any = c.all
	for path != "" {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		if v, ok := object[path]; ok {
			return v
		}
		first, rest, _ := strings.Cut(path, ".")
		at, path = object[first], rest
	}
	return at
}

// list returns a claim that is a string or a list of strings.
func (c *claims) list(path string) []string {
	switch v := c.value(path).(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

// name returns what an account is named after: the claim, or the subject, with
// '_' for what names cannot have.
func (c *claims) name(path string) string {
	name, _ := c.value(path).(string)
	if name == "" {
		name = c.Subject
	}
	name = strings.Map(func(r rune) rune {
		if CheckName("a"+string(r)) != nil {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeft(name, "-_.")
	return name[:min(len(name), maxName)]
}
