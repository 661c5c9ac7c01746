// Package target reads what a survey is to look at: addresses, networks and
// names as people write them, and what Shodan, Censys, nmap, masscan, zmap and
// zgrab2 export. It only reads: whether something may be looked at is for the
// scope to say, and an imported list is never permission.
package target

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Target is a network, an address, or a name, with the port it is about.
type Target struct {
	Prefix  netip.Prefix // the zero value if Name is to be resolved
	Name    string
	Port    int // 0 means the default ports
	Domain  string
	Country string // ISO 3166-1 alpha-2, as the list says
	ASN     uint32
	Org     string // who runs the network, as the list says
}

// String returns the target as Parse reads it.
func (t Target) String() string {
	host := t.Name
	if host == "" && t.Prefix.IsSingleIP() {
		host = t.Prefix.Addr().String()
	} else if host == "" {
		host = t.Prefix.String()
	}
	switch {
	case t.Port == 0:
		return host
	case strings.Contains(host, ":"):
		return fmt.Sprintf("[%s]:%d", host, t.Port)
	}
	return fmt.Sprintf("%s:%d", host, t.Port)
}

// Parse reads an address, a network in CIDR notation or a name, each with or
// without a port: 192.168.1.7, 192.168.1.0/24, [fd00::1]:104, pacs.example.org:11112.
func Parse(s string) (Target, error) {
	s = strings.TrimSpace(s)
	if t, ok := parseHost(s); ok {
		return t, nil
	}
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return Target{}, fmt.Errorf("%q is no address, network or name", s)
	}
	port, err := strconv.Atoi(s[i+1:])
	if err != nil || port < 1 || port > 65535 {
		return Target{}, fmt.Errorf("%q has no valid port", s)
	}
	host := s[:i]
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	t, ok := parseHost(host)
	if !ok {
		return Target{}, fmt.Errorf("%q is no address, network or name", s)
	}
	t.Port = port
	return t, nil
}

func parseHost(s string) (Target, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return Target{}, false
		}
		a = a.Unmap()
		return Target{Prefix: netip.PrefixFrom(a, a.BitLen())}, true
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return Target{Prefix: p.Masked()}, true
	}
	if isName(s) {
		return Target{Name: strings.ToLower(s)}, true
	}
	return Target{}, false
}

// isName reports whether s can be a name of the DNS. The last label must not be
// a number, so that a mistyped address is not looked up.
func isName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for _, c := range l {
			if !(c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
				return false
			}
		}
	}
	_, err := strconv.Atoi(labels[len(labels)-1])
	return errors.Is(err, strconv.ErrSyntax)
}
