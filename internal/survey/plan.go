package survey

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/tresor-pacs/tresor/internal/survey/geo"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
	"github.com/tresor-pacs/tresor/internal/survey/target"
)

// DefaultPorts are looked at where neither target nor scope names any.
var DefaultPorts = []int{104, 2761, 2762, 4242, 11112, 80, 443, 8042, 8080, 8443}

// Shard is which part of a plan this process takes: 1/1 is all of it.
type Shard struct{ Index, Of int }

// ParseShard reads i/n.
func ParseShard(s string) (Shard, error) {
	var h Shard
	if n, err := fmt.Sscanf(s, "%d/%d", &h.Index, &h.Of); n != 2 || err != nil || h.String() != s ||
		h.Of < 1 || h.Of > 1<<16 || h.Index < 1 || h.Index > h.Of {
		return Shard{}, fmt.Errorf("%q is no shard: 1/4 is the first of four", s)
	}
	return h, nil
}

// String returns i/n.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// Plan is what will be looked at, in order, and what will not be.
type Plan struct {
	Hosts   []*Host
	Refused map[string]int // reasons of the guard, and how many addresses each
	Others  int            // addresses that belong to other shards
}

// Host is an address with its ports.
type Host struct {
	Addr  netip.Addr
	Ports []int
	About Endpoint // what lists and files say of it; Addr and Port unset
	key   uint64
}

// Endpoints returns how many addresses and ports there are.
func (p *Plan) Endpoints() (n int) {
	for _, h := range p.Hosts {
		n += len(h.Ports)
	}
	return n
}

// Planner makes plans.
type Planner struct {
	Guard *scope.Guard
	Ports []int // for targets without one
	Shard Shard // zero for all
	Geo   *geo.DB
	// Resolve looks a name up; what it returns is checked like any address.
	Resolve func(context.Context, string) ([]netip.Addr, error)
}

// Plan intersects targets with the scope and puts them into an order that looks
// random and is the same for all shards, so that neighbours are not looked at
// one after the other.
func (p *Planner) Plan(ctx context.Context, targets []target.Target) (*Plan, error) {
	ports := p.Ports
	if len(ports) == 0 {
		ports = DefaultPorts
		if s := p.Guard.Scope(); s != nil {
			ports = s.Ports
		}
	}
	for _, port := range ports {
		if port < 1 || port > 65535 {
			return nil, fmt.Errorf("port %d does not exist", port)
		}
	}
	if err := p.checkWidth(targets); err != nil {
		return nil, err
	}
	m := &merger{planner: p, ports: ports, hosts: map[netip.Addr]*Host{}, plan: &Plan{Refused: map[string]int{}}}
	for _, t := range targets {
		if err := m.add(ctx, t); err != nil {
			return nil, err
		}
	}
	m.order()
	return m.plan, nil
}

// checkWidth enforces the /12 for all networks together. A scope has been checked
// for it, and what lies outside of it is not looked at.
func (p *Planner) checkWidth(targets []target.Target) error {
	total := 0
	for _, t := range targets {
		if t.Name != "" || p.Guard.Scope() != nil {
			continue
		}
		n, err := scope.Addresses(t.Prefix)
		if err != nil {
			return err
		}
		if n > 1 {
			total += n
		}
	}
	if total > scope.MaxAddresses {
		return errors.New("the networks together hold more addresses than a /12: use several surveys")
	}
	return nil
}

type merger struct {
	planner *Planner
	ports   []int
	hosts   map[netip.Addr]*Host
	plan    *Plan
}

func (m *merger) add(ctx context.Context, t target.Target) error {
	if t.Name != "" {
		addrs, err := m.planner.Resolve(ctx, t.Name)
		if err != nil {
			m.plan.Refused["name not found"]++
			return ctx.Err()
		}
		for _, a := range addrs {
			m.host(a.Unmap(), t)
		}
		return nil
	}
	n, err := scope.Addresses(t.Prefix)
	if err != nil {
		return err
	}
	if len(m.hosts)+n > target.MaxTargets {
		return fmt.Errorf("more than %d addresses: use several surveys", target.MaxTargets)
	}
	for a := t.Prefix.Addr(); n > 0 && a.IsValid(); a, n = a.Next(), n-1 {
		m.host(a, t)
	}
	return ctx.Err()
}

func (m *merger) host(a netip.Addr, t target.Target) {
	ports := m.ports
	if t.Port != 0 {
		ports = []int{t.Port}
	}
	key := m.planner.key(a)
	if s := m.planner.Shard; s.Of > 1 && key%uint64(s.Of) != uint64(s.Index-1) {
		m.plan.Others++
		return
	}
	h := m.hosts[a]
	for i, port := range ports {
		if err := m.planner.Guard.Allow(a, port); err != nil {
			if i == 0 || errors.Is(err, scope.ErrPort) {
				m.plan.Refused[err.Error()]++
			}
			continue
		}
		if h == nil {
			h = &Host{Addr: a, key: key, About: Endpoint{Name: cmp.Or(t.Name, t.Domain), Country: t.Country, ASN: t.ASN, Network: t.Org}}
			m.hosts[a] = h
		}
		if !slices.Contains(h.Ports, port) {
			h.Ports = append(h.Ports, port)
		}
	}
}

func (m *merger) order() {
	for _, h := range m.hosts {
		info := m.planner.Geo.Lookup(h.Addr)
		h.About.Country = cmp.Or(info.Country, h.About.Country)
		h.About.ASN = cmp.Or(info.ASN, h.About.ASN)
		h.About.Network = cmp.Or(info.Owner, h.About.Network)
		slices.Sort(h.Ports)
		m.plan.Hosts = append(m.plan.Hosts, h)
	}
	slices.SortFunc(m.plan.Hosts, func(a, b *Host) int {
		return cmp.Or(cmp.Compare(a.key, b.key), a.Addr.Compare(b.Addr))
	})
}

// key places an address in the order and in a shard: an HMAC under the scope.
func (p *Planner) key(a netip.Addr) uint64 {
	mac := hmac.New(sha256.New, []byte("tresor survey order\n"+p.Guard.ID()))
	b := a.As16()
	mac.Write(b[:])
	return binary.BigEndian.Uint64(mac.Sum(nil))
}
