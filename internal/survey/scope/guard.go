package scope

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// special are the special-purpose blocks of IANA (RFC 6890 and its registries)
// that no scope can open. Loopback and private addresses are not among them:
// Guard treats them on their own.
var special = mustPrefixes(
	"0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"::/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
	"2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fe80::/10", "ff00::/8")

var private = mustPrefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")

// uniqueLocal are IPv6's private addresses. A scope must name them.
var uniqueLocal = netip.MustParsePrefix("fc00::/7")

func mustPrefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func in(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// IsPrivate reports whether an address is private (RFC 1918, RFC 4193).
// Loopback is not: what is looked at there is judged as if it stood outside.
func IsPrivate(a netip.Addr) bool {
	a = a.Unmap()
	return in(private, a) || uniqueLocal.Contains(a)
}

// Guard decides what may be looked at. The zero value permits what may be
// looked at without a scope. It does not change after it is made.
type Guard struct {
	scope  *Scope // nil for none
	optOut prefixes
	own    []netip.AddrPort // listeners of this process: they and nothing else
}

// Reasons for a refusal, for counting; Refusal.Error tells them.
var (
	ErrSpecial = errors.New("special-purpose address")
	ErrOptOut  = errors.New("on the opt-out list")
	ErrOutside = errors.New("outside of the scope")
	ErrExclude = errors.New("excluded by the scope")
	ErrPort    = errors.New("port outside of the scope")
	ErrEnded   = errors.New("the scope ended")
	ErrNotOwn  = errors.New("no listener of this program")
	ErrNoScope = errors.New("needs a scope file: without one only loopback and RFC 1918 addresses are looked at")
)

// NewGuard returns the guard of a scope, which may be nil, and an opt-out list.
// The scope's signature and date must have been checked (Usable).
func NewGuard(s *Scope, optOut []netip.Prefix) *Guard {
	return &Guard{scope: s, optOut: newPrefixes(optOut)}
}

// Own returns the guard of a program that looks at its own listeners, whichever
// addresses they have, up to L4, and at nothing else.
func Own(listeners ...netip.AddrPort) *Guard {
	return &Guard{own: append([]netip.AddrPort{}, listeners...)}
}

// Usable checks signature and date of the scope at a moment.
func (s *Scope) Usable(now time.Time) error {
	if err := s.Verify(nil); err != nil {
		return err
	}
	return (&Guard{scope: s}).Ended(now)
}

// Ended returns an error once the scope is no longer valid: a survey that takes
// days must not go on after the last of them.
func (g *Guard) Ended(now time.Time) error {
	if s := g.scope; s != nil && !now.Before(s.End()) {
		return fmt.Errorf("%w on %s", ErrEnded, s.ValidUntil)
	}
	return nil
}

// Scope returns the scope, nil if there is none.
func (g *Guard) Scope() *Scope { return g.scope }

// ID returns the scope's ID, "none" without one, "own" for own listeners.
func (g *Guard) ID() string {
	if g.own != nil {
		return "own"
	}
	if g.scope == nil {
		return "none"
	}
	return g.scope.ID
}

// Allow returns why an address and port must not be looked at, nil if it may.
func (g *Guard) Allow(a netip.Addr, port int) error {
	a = a.Unmap()
	switch {
	case g.own != nil:
		if slices.Contains(g.own, netip.AddrPortFrom(a, uint16(port))) {
			return nil
		}
		return ErrNotOwn
	case !a.IsValid() || a.Zone() != "" || in(special, a):
		return ErrSpecial
	case g.optOut.contain(a):
		return ErrOptOut
	case g.scope == nil:
		if a.IsLoopback() || in(private, a) {
			return nil
		}
		return ErrNoScope
	case in(g.scope.exclude, a):
		return ErrExclude
	case !in(g.scope.networks, a):
		return ErrOutside
	case !slices.Contains(g.scope.Ports, port):
		return ErrPort
	}
	return nil
}

// MaxLevel returns the highest rung that is permitted.
func (g *Guard) MaxLevel() Level {
	if g.own != nil {
		return L4
	}
	if g.scope == nil {
		return L2
	}
	if g.scope.Size == SizeNo {
		return min(g.scope.MaxLevel, L4)
	}
	return g.scope.MaxLevel
}

// Size returns whether size may be asked.
func (g *Guard) Size() Size {
	if g.scope == nil || g.scope.MaxLevel < L5 {
		return SizeNo
	}
	return g.scope.Size
}
