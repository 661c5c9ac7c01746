package identity

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

func TestTicketsAreGoodOnceAndNotForLong(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	k := NewTickets[string](time.Minute, c.now)
	issue := func(v string) string {
		name, err := k.Issue("here", v)
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	name := issue("a")
	if v, ok := k.Look(name); v != "a" || !ok {
		t.Error("a look at it:", v, ok)
	}
	if v, ok := k.Take(name); v != "a" || !ok {
		t.Error(v, ok)
	}
	if v, ok := k.Look(name); v != "" || ok {
		t.Error("a look at what was taken:", v, ok)
	}
	if v, ok := k.Take(name); v != "" || ok {
		t.Error("twice:", v, ok)
	}
	name = issue("b")
	c.Time = c.Add(time.Minute)
	if v, ok := k.Take(name); v != "" || ok {
		t.Error("too late:", v, ok)
	}
	if _, ok := k.Take(""); ok {
		t.Error("no name is a name")
	}
}

// One source cannot take from others what they were given.
func TestTicketsOfOneSource(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	k := NewTickets[int](time.Minute, c.now)
	mine, _ := k.Issue("mine", 1)
	first, _ := k.Issue("theirs", 2)
	for range ticketsPerSource {
		if _, err := k.Issue("theirs", 3); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := k.Take(first); ok {
		t.Error("a source has more than its share")
	}
	if _, ok := k.Take(mine); !ok {
		t.Error("another source lost its ticket")
	}
}

func TestTicketsAreBounded(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	k := NewTickets[int](time.Minute, c.now)
	for i := range maxTickets {
		if _, err := k.Issue(strconv.Itoa(i), i); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := k.Issue("one more", 0); !errors.Is(err, ErrTooManyFailures) {
		t.Errorf("%v", err)
	}
	c.Time = c.Add(2 * time.Minute)
	if _, err := k.Issue("later", 0); err != nil {
		t.Errorf("after they ran out: %v", err)
	}
	if len(k.byName) != 1 || len(k.sources) != 1 {
		t.Errorf("%d tickets and %d sources are left", len(k.byName), len(k.sources))
	}
}
