package server

import (
	"net"
	"testing"
	"time"
)

func from(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 4711} }

func TestAdmissionBoundsConnections(t *testing.T) {
	l := DefaultConfig().Limits
	l.Associations, l.PerAddress, l.NewBurst, l.NewPerSecond = 3, 2, 3, 1
	a := newAdmission(l)
	now := time.Unix(0, 0)
	a.now = func() time.Time { return now }
	visit, why := a.enter(from("192.0.2.1"))
	if why != "" {
		t.Fatal(why)
	}
	if _, why = a.enter(from("192.0.2.1")); why != "" {
		t.Fatal(why)
	}
	if _, why = a.enter(from("192.0.2.1")); why == "" {
		t.Error("a third connection from one address")
	}
	visit.leave()
	if _, why = a.enter(from("192.0.2.1")); why != "" {
		t.Error(why)
	}
	if _, why = a.enter(from("192.0.2.1")); why == "" {
		t.Error("more than the burst")
	}
	if _, why = a.enter(from("2001:db8::1")); why != "" {
		t.Error("another address suffers:", why)
	}
	if _, why = a.enter(from("192.0.2.9")); why == "" {
		t.Error("more than all connections")
	}
}

func TestAdmissionBucketFills(t *testing.T) {
	l := DefaultConfig().Limits
	l.NewBurst, l.NewPerSecond = 1, 2
	a := newAdmission(l)
	now := time.Unix(0, 0)
	a.now = func() time.Time { return now }
	admitted := 0
	for range 100 { // 10 s
		if v, why := a.enter(from("2001:db8::1")); why == "" {
			admitted++
			v.leave()
		}
		if v, why := a.enter(from("2001:db8::2")); why == "" { // the same /64
			admitted++
			v.leave()
		}
		now = now.Add(100 * time.Millisecond)
	}
	if admitted < 19 || admitted > 22 {
		t.Errorf("%d admitted in 10 s at 2 a second", admitted)
	}
}

func TestAdmissionForgetsQuietAddresses(t *testing.T) {
	a := newAdmission(DefaultConfig().Limits)
	now := time.Unix(0, 0)
	a.now = func() time.Time { return now }
	for i := range 30000 {
		visit, why := a.enter(from(net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)).String()))
		if why != "" {
			t.Fatal(why)
		}
		visit.leave()
		now = now.Add(time.Second)
	}
	if len(a.address) > 10100 {
		t.Errorf("%d addresses remembered", len(a.address))
	}
}

func TestAdmissionPerDevice(t *testing.T) {
	l := DefaultConfig().Limits
	l.PerDevice = 1
	a := newAdmission(l)
	leave, ok := a.enterDevice("ct1")
	if !ok {
		t.Fatal("the first association")
	}
	if _, ok := a.enterDevice("ct1"); ok {
		t.Error("a second association")
	}
	if _, ok := a.enterDevice("ct2"); !ok {
		t.Error("another device suffers")
	}
	leave()
	if _, ok := a.enterDevice("ct1"); !ok {
		t.Error("not after the first one ended")
	}
}

func TestAdmissionRateIsForStrangersOnly(t *testing.T) {
	l := DefaultConfig().Limits
	l.NewBurst, l.NewPerSecond = 2, 1
	a := newAdmission(l)
	now := time.Unix(0, 0)
	a.now = func() time.Time { return now }
	for range 100 {
		v, why := a.enter(from("192.0.2.1"))
		if why != "" {
			t.Fatal(why)
		}
		v.known()
		v.leave()
	}
}
