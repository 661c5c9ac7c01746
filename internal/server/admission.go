package server

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// admission bounds how many connections there are and how fast new ones come,
// before anything is known of who connects (requirements N-4).
type admission struct {
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	total   int
	address map[netip.Prefix]*visitor
	device  map[string]int
}

// visitor is a network address with its connections and its token bucket.
type visitor struct {
	open   int
	tokens float64
	filled time.Time
}

func newAdmission(l Limits) *admission {
	return &admission{limits: l, now: time.Now, address: map[netip.Prefix]*visitor{}, device: map[string]int{}}
}

// visit is a connection that was admitted.
type visit struct {
	a *admission
	v *visitor
}

// enter admits a connection or says why not; leave must be called once if it did.
func (a *admission) enter(remote net.Addr) (_ *visit, refused string) {
	p := prefixOf(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.visitor(p)
	switch {
	case v.tokens < 1:
		return nil, "too many new connections from this address"
	case v.open >= a.limits.PerAddress:
		return nil, "too many connections from this address"
	case a.total >= a.limits.Associations:
		return nil, "too many connections"
	}
	v.tokens--
	v.open++
	a.total++
	return &visit{a, v}, ""
}

// known gives the token of the connection back: the rate is for strangers, not
// for devices that have shown their certificate.
func (v *visit) known() {
	v.a.mu.Lock()
	defer v.a.mu.Unlock()
	v.v.tokens++
}

// leave ends the visit.
func (v *visit) leave() {
	v.a.mu.Lock()
	defer v.a.mu.Unlock()
	v.v.open--
	v.a.total--
}

// visitor returns the address's entry, its bucket filled up to now. Entries
// that would be like new ones are dropped once there are many.
func (a *admission) visitor(p netip.Prefix) *visitor {
	now := a.now()
	if len(a.address) > 10000 {
		for q, v := range a.address {
			if v.open == 0 && now.Sub(v.filled) > time.Minute {
				delete(a.address, q)
			}
		}
	}
	v := a.address[p]
	if v == nil {
		v = &visitor{tokens: float64(a.limits.NewBurst), filled: now}
		a.address[p] = v
	}
	v.tokens = min(float64(a.limits.NewBurst), v.tokens+now.Sub(v.filled).Seconds()*a.limits.NewPerSecond)
	v.filled = now
	return v
}

// enterDevice admits one more association of a device.
func (a *admission) enterDevice(name string) (leave func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.device[name] >= a.limits.PerDevice {
		return nil, false
	}
	a.device[name]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.device[name]--; a.device[name] == 0 {
			delete(a.device, name)
		}
	}, true
}

// prefixOf returns what counts as one address: an IPv4 address, an IPv6 /64.
func prefixOf(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := ap.Addr().Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
