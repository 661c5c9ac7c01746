package scope

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const good = `id = "case 7"
owner = "Hospital"
legal_basis = "order of the owner"
contact = "cert@hospital.example"
valid_until = 2030-01-31
networks = ["10.1.0.0/16", "8.8.8.0/24"]
ports = [104, 11112]
max_level = 5
size = "sample"
exclude = ["10.1.2.0/24"]
`

func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"good":          {"", "", ""},
		"unknown key":   {"exclude", "exlude", "unknown key"},
		"no owner":      {`"Hospital"`, `" "`, "owner is missing"},
		"too wide":      {`"10.1.0.0/16"`, `"10.0.0.0/11"`, "wider than /12"},
		"sum too wide":  {`"10.1.0.0/16"`, `"10.0.0.0/12"`, "together"},
		"v6 too wide":   {`"10.1.0.0/16"`, `"fd00::/64"`, "wider than /108"},
		"no port":       {"[104, 11112]", "[]", "ports is missing"},
		"odd port":      {"[104, 11112]", "[70000]", "does not exist"},
		"level":         {"max_level = 5", "max_level = 6", "between 0 and 5"},
		"size":          {`"sample"`, `"all"`, "size is not"},
		"no date":       {"valid_until = 2030-01-31\n", "", "valid_until"},
		"not a network": {"8.8.8.0/24", "8.8.8/24", "neither"},
	} {
		_, err := Parse([]byte(strings.Replace(good, c.old, c.new, 1)))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestSign(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{good, strings.TrimSuffix(good, "\n")} {
		out, err := Sign([]byte(file), key)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(public); err != nil {
			t.Error(err)
		}
		if err := s.Usable(time.Date(2030, 1, 31, 20, 0, 0, 0, time.Local)); err != nil {
			t.Error(err)
		}
		if s.Usable(time.Date(2030, 2, 1, 0, 0, 0, 0, time.Local)) == nil {
			t.Error("usable after its last day")
		}
		again, err := Sign(out, key)
		if err != nil || !bytes.Equal(again, out) {
			t.Errorf("signing again changes the file: %v", err)
		}
		changed, err := Parse(bytes.Replace(out, []byte("10.1.0.0/16"), []byte("10.2.0.0/16"), 1))
		if err != nil || !errors.Is(changed.Verify(nil), ErrSignature) {
			t.Errorf("a changed file verifies: %v", err)
		}
		other, _, _ := ed25519.GenerateKey(nil)
		if !errors.Is(s.Verify(other), ErrSignature) {
			t.Error("any signer is good")
		}
	}
	s, err := Parse([]byte(good))
	if err != nil || !errors.Is(s.Usable(time.Now()), ErrSignature) {
		t.Errorf("a scope without signature is usable: %v", err)
	}
}

func TestKeys(t *testing.T) {
	public, key, _ := ed25519.GenerateKey(nil)
	file, err := MarshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := ParseKey(file); err != nil || !k.Equal(key) {
		t.Errorf("ParseKey: %v", err)
	}
	file, err = MarshalPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := ParsePublicKey(file); err != nil || !k.Equal(public) {
		t.Errorf("ParsePublicKey: %v", err)
	}
}

func TestGuard(t *testing.T) {
	s, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	optOut, err := ReadPrefixes(strings.NewReader("# asked us to stay away\n10.1.9.0/24 # clinic\n\n192.168.4.4\n"))
	if err != nil {
		t.Fatal(err)
	}
	scoped, bare := NewGuard(s, optOut), NewGuard(nil, optOut)
	for _, c := range []struct {
		guard *Guard
		addr  string
		port  int
		want  error
	}{
		{bare, "127.0.0.1", 104, nil}, {bare, "::1", 104, nil}, {bare, "10.9.9.9", 1, nil},
		{bare, "172.31.0.1", 104, nil}, {bare, "172.32.0.1", 104, ErrNoScope}, {bare, "192.168.4.4", 104, ErrOptOut},
		{bare, "8.8.8.8", 104, ErrNoScope}, {bare, "fd00::1", 104, ErrNoScope}, {bare, "169.254.1.1", 104, ErrSpecial},
		{bare, "::ffff:127.0.0.1", 104, nil}, {bare, "224.0.0.1", 104, ErrSpecial}, {bare, "fe80::1%eth0", 104, ErrSpecial},
		{scoped, "10.1.3.4", 104, nil}, {scoped, "10.1.2.4", 104, ErrExclude}, {scoped, "10.1.9.1", 104, ErrOptOut},
		{scoped, "10.2.3.4", 104, ErrOutside}, {scoped, "127.0.0.1", 104, ErrOutside}, {scoped, "8.8.8.8", 11112, nil},
		{scoped, "8.8.8.8", 80, ErrPort}, {scoped, "203.0.113.1", 104, ErrSpecial},
	} {
		if got := c.guard.Allow(netip.MustParseAddr(c.addr), c.port); got != c.want {
			t.Errorf("Allow(%s, %d) = %v, want %v", c.addr, c.port, got, c.want)
		}
	}
	if bare.MaxLevel() != L2 || bare.Size() != SizeNo {
		t.Error("without a scope the ladder must end at L2")
	}
	if scoped.MaxLevel() != L5 || scoped.Size() != SizeSample {
		t.Error("the scope's level is not taken")
	}
	s.Size = SizeNo
	if scoped.MaxLevel() != L4 {
		t.Error("size is asked without its own permission")
	}
}

// TestSpecialBlocks goes through IANA's registries of special-purpose addresses:
// the first address of each block is refused though a scope names it.
func TestSpecialBlocks(t *testing.T) {
	for _, block := range []string{"0.0.0.0", "100.64.0.0", "169.254.0.0", "192.0.0.0", "192.0.2.0", "192.31.196.0", "192.52.193.0",
		"192.88.99.0", "192.175.48.0", "198.18.0.0", "198.51.100.0", "203.0.113.0", "224.0.0.0", "240.0.0.0", "255.255.255.255",
		"::", "64:ff9b::1", "64:ff9b:1::", "100::", "100:0:0:1::", "2001::", "2001:2::", "2001:20::", "2001:db8::", "2002::",
		"2620:4f:8000::", "3fff::", "5f00::", "fe80::", "ff00::"} {
		a := netip.MustParseAddr(block)
		g := NewGuard(&Scope{networks: []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, Ports: []int{104}}, nil)
		if err := g.Allow(a, 104); err != ErrSpecial {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// An entry of the opt-out list holds however it is written, and none is lost.
func TestOptOut(t *testing.T) {
	list := "\xef\xbb\xbf::ffff:10.1.0.0/112\n10.3.0.1\n" + strings.Repeat("# a long list\n", 100_000) + "10.2.0.0/16\nfd00::/8\n"
	optOut, err := ReadPrefixes(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	g := NewGuard(nil, optOut)
	for _, a := range []string{"10.1.0.1", "10.1.255.255", "::ffff:10.1.0.1", "10.2.0.1", "10.3.0.1", "fd00::7"} {
		if err := g.Allow(netip.MustParseAddr(a), 104); err != ErrOptOut {
			t.Errorf("%s: %v", a, err)
		}
	}
	if err := g.Allow(netip.MustParseAddr("10.3.0.2"), 104); err != nil {
		t.Error(err)
	}
	if _, err := ReadPrefixes(io.MultiReader(strings.NewReader("10.0.0.0/8\n"), endless{})); err == nil {
		t.Error("a list without an end was read")
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '\n'
	}
	return len(b), nil
}

func TestEnded(t *testing.T) {
	s, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	g := NewGuard(s, nil)
	if g.Ended(time.Date(2030, 1, 31, 23, 59, 0, 0, time.Local)) != nil || NewGuard(nil, nil).Ended(time.Now()) != nil {
		t.Error("ended before its end")
	}
	if err := g.Ended(time.Date(2030, 2, 1, 0, 0, 0, 0, time.Local)); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// A template must not be usable as it comes.
func TestTemplate(t *testing.T) {
	if _, err := Parse(Template("x", time.Now())); err == nil || !strings.Contains(err.Error(), "owner is missing") {
		t.Errorf("template: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("[signature]\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if s, err := Parse(file); err == nil {
			s.Verify(nil)
		}
	})
}

func TestOwn(t *testing.T) {
	mine := netip.MustParseAddrPort("203.0.113.7:2762")
	g := Own(mine)
	if g.Allow(mine.Addr(), 2762) != nil || g.MaxLevel() != L4 || g.Size() != SizeNo || g.ID() != "own" {
		t.Error("own listeners are not looked at")
	}
	for _, other := range []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:104"), netip.MustParseAddrPort("127.0.0.1:2762")} {
		if g.Allow(other.Addr(), int(other.Port())) != ErrNotOwn {
			t.Errorf("%s is looked at", other)
		}
	}
	if err := Own().Allow(netip.MustParseAddr("127.0.0.1"), 2762); err == nil {
		t.Error("without listeners something is looked at")
	}
}
