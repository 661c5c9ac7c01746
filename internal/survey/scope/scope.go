// Package scope says where a survey may look and how closely: the scope file,
// its signature, and the guards that hold without one. It opens no connection.
//
// Without a scope file a survey may look at loopback and RFC 1918 addresses up
// to L2. With one, at what the file names. In both cases special-purpose blocks
// and the opt-out list win, and nothing may be wider than /12.
package scope

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Level is a rung of the ladder: how closely a host is looked at.
type Level int

// The rungs.
const (
	L0 Level = iota // lists only: nothing is sent
	L1              // connect, TLS hello
	L2              // one association
	L3              // C-ECHO in it
	L4              // the permitted-query test
	L5              // size
)

// String returns the survey's word: L2.
func (l Level) String() string { return fmt.Sprintf("L%d", int(l)) }

// Size tells whether the owner permits the size of an archive to be asked.
type Size string

// The permissions.
const (
	SizeNo     Size = "no"     // not asked
	SizeSample Size = "sample" // counters, or a sample of at most 2,000 answers
	SizeExact  Size = "exact"  // every answer is counted
)

// Limits of a scope.
const (
	MaxAddresses = 1 << 20  // as many as a /12 holds, in all networks together
	MaxFile      = 1 << 20  // bytes of a scope file
	maxPrefix6   = 128 - 20 // an IPv6 network that is enumerated
	dateLayout   = "2006-01-02"
)

// Scope is a scope file: who permits whom to look at what.
type Scope struct {
	ID          string         `toml:"id"`
	Owner       string         `toml:"owner"`
	LegalBasis  string         `toml:"legal_basis"`
	Contact     string         `toml:"contact"`
	URL         string         `toml:"url,omitempty"`
	ValidUntil  toml.LocalDate `toml:"valid_until"`
	Networks    []string       `toml:"networks"`
	Ports       []int          `toml:"ports"`
	MaxLevel    Level          `toml:"max_level"`
	Size        Size           `toml:"size"`
	Exclude     []string       `toml:"exclude,omitempty"`
	MustBeDark  bool           `toml:"private_must_not_answer,omitempty"`
	CalledAE    string         `toml:"called_aet,omitempty"`
	CallingAE   string         `toml:"calling_aet,omitempty"`
	Signature   *Signature     `toml:"signature,omitempty"`
	networks    []netip.Prefix
	exclude     []netip.Prefix
	signedBytes []byte
}

// Parse reads a scope file and checks everything but its signature and date.
// Unknown keys are errors.
func Parse(file []byte) (*Scope, error) {
	if len(file) > MaxFile {
		return nil, errors.New("scope file: longer than 1 MiB")
	}
	var s Scope
	d := toml.NewDecoder(bytes.NewReader(file)).DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) {
			return nil, fmt.Errorf("scope file: unknown key\n%s", strict.String())
		}
		return nil, fmt.Errorf("scope file: %w", err)
	}
	s.signedBytes = signed(file)
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("scope file: %w", err)
	}
	return &s, nil
}

func (s *Scope) prepare() error {
	for _, required := range []struct{ key, value string }{
		{"id", s.ID}, {"owner", s.Owner}, {"legal_basis", s.LegalBasis}, {"contact", s.Contact}} {
		if strings.TrimSpace(required.value) == "" {
			return fmt.Errorf("%s is missing", required.key)
		}
	}
	if s.ValidUntil == (toml.LocalDate{}) {
		return errors.New("valid_until is missing")
	}
	if s.MaxLevel < L0 || s.MaxLevel > L5 {
		return errors.New("max_level is not between 0 and 5")
	}
	switch s.Size {
	case "":
		s.Size = SizeNo
	case SizeNo, SizeSample, SizeExact:
	default:
		return errors.New(`size is not "no", "sample" or "exact"`)
	}
	if len(s.Ports) == 0 {
		return errors.New("ports is missing")
	}
	for _, p := range s.Ports {
		if p < 1 || p > 65535 {
			return fmt.Errorf("port %d does not exist", p)
		}
	}
	var err error
	if s.networks, err = parsePrefixes(s.Networks); err != nil {
		return fmt.Errorf("networks: %w", err)
	}
	if len(s.networks) == 0 {
		return errors.New("networks is missing")
	}
	if s.exclude, err = parsePrefixes(s.Exclude); err != nil {
		return fmt.Errorf("exclude: %w", err)
	}
	return checkWidth(s.networks)
}

// checkWidth enforces the /12: for one network, and for all together.
func checkWidth(networks []netip.Prefix) error {
	total := 0
	for _, p := range networks {
		n, err := Addresses(p)
		if err != nil {
			return err
		}
		if total += n; total > MaxAddresses {
			return errors.New("the networks together hold more addresses than a /12")
		}
	}
	return nil
}

// Addresses returns how many addresses a network holds; the error says that it
// is wider than /12 (for IPv6, than /108, which holds as many).
func Addresses(p netip.Prefix) (int, error) {
	width := p.Addr().BitLen() - p.Bits()
	if width > 20 {
		if p.Addr().Is6() {
			return 0, fmt.Errorf("%s is wider than /%d", p, maxPrefix6)
		}
		return 0, fmt.Errorf("%s is wider than /12", p)
	}
	return 1 << width, nil
}

func parsePrefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := ParsePrefix(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// ParsePrefix reads a network in CIDR notation, or one address.
func ParsePrefix(s string) (netip.Prefix, error) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network", s)
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 { // ::ffff:10.0.0.0/104 is 10.0.0.0/8
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// End returns the first moment at which the scope is no longer valid.
func (s *Scope) End() time.Time { return s.ValidUntil.AsTime(time.Local).AddDate(0, 0, 1) }
