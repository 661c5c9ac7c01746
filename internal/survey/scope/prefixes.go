package scope

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// MaxList is how long a list of networks may be, in bytes.
const MaxList = 64 << 20

// prefixes is a set of networks that may be large. The zero value is empty.
type prefixes struct {
	set  map[netip.Prefix]bool
	bits []int // the lengths that there are
}

func newPrefixes(list []netip.Prefix) prefixes {
	out := prefixes{set: map[netip.Prefix]bool{}}
	for _, p := range list {
		out.set[p] = true
		if !slices.Contains(out.bits, p.Bits()) {
			out.bits = append(out.bits, p.Bits())
		}
	}
	return out
}

func (s prefixes) contain(a netip.Addr) bool {
	for _, bits := range s.bits {
		if p, err := a.Prefix(bits); err == nil && s.set[p] {
			return true
		}
	}
	return false
}

// ReadPrefixes reads a list of networks and addresses, one a line; what follows
// a # is a comment. A list that is longer than MaxList is an error: half a list of
// those who must be left alone is none.
func ReadPrefixes(r io.Reader) ([]netip.Prefix, error) {
	var out []netip.Prefix
	limited := &io.LimitedReader{R: r, N: MaxList + 1}
	lines := bufio.NewScanner(limited)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "\xef\xbb\xbf"), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		p, err := ParsePrefix(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out = append(out, p)
	}
	if limited.N == 0 {
		return nil, errors.New("the list is longer than 64 MiB")
	}
	return out, lines.Err()
}
