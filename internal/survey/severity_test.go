package survey

import (
	"testing"
)

// TestSeverity goes through the table of severities row by row.
func TestSeverity(t *testing.T) {
	base := func(change func(*Vector)) Vector {
		v := Vector{Network: 'P', TLS: 'Y', Access: 'A', Query: 'X', Studies: 'X', Retrieve: 'X', Write: 'X', Flaw: 'N', End: 'N'}
		change(&v)
		return v
	}
	permitted := func(studies int64) func(*Vector) {
		return func(v *Vector) { v.Query = 'P'; v.Studies = power(studies) }
	}
	for name, c := range map[string]struct {
		change func(*Vector)
		want   float64
	}{
		"closed or filtered":                    {func(v *Vector) { v.Access, v.TLS = 'X', 'X' }, 0},
		"mutual TLS enforced":                   {func(v *Vector) { v.TLS, v.Access = 'M', 'C' }, 1},
		"TLS, query refused":                    {func(v *Vector) { v.Query = 'R' }, 2},
		"TLS, every association rejected":       {func(v *Vector) { v.Access, v.Query = 'R', 'R' }, 2},
		"plain, every association rejected":     {func(v *Vector) { v.TLS, v.Access, v.Query = 'N', 'R', 'R' }, 3.2},
		"plain, any caller, query refused":      {func(v *Vector) { v.TLS, v.Query = 'N', 'R' }, 4.2},
		"TLS, any caller, echo only":            {func(v *Vector) { v.Query = 'N' }, 4},
		"plain, any caller, echo only":          {func(v *Vector) { v.TLS, v.Query = 'N', 'N' }, 4.2},
		"WADO-URI answers, nothing tried":       {func(v *Vector) { v.Access, v.Query = 'H', 'U' }, 6},
		"any caller, query not asked":           {func(*Vector) {}, 4},
		"the same and a Storage context":        {func(v *Vector) { v.Write = 'A' }, 5.5},
		"query undecided":                       {func(v *Vector) { v.Query = 'U' }, 6},
		"query permitted, size not asked":       {func(v *Vector) { v.Query = 'P' }, 8},
		"permitted, 1 study":                    {permitted(1), 8.5},
		"permitted, 999 studies":                {permitted(999), 8.5},
		"permitted, 1,000 studies":              {permitted(1000), 9},
		"permitted, 99,999 studies":             {permitted(99_999), 9},
		"permitted, 100,000 studies":            {permitted(100_000), 9.5},
		"web open":                              {func(v *Vector) { v.Access, v.Query = 'H', 'P' }, 9},
		"retrieve negotiated":                   {func(v *Vector) { v.Query, v.Retrieve = 'P', 'N' }, 8.3},
		"no TLS":                                {func(v *Vector) { v.Query, v.TLS = 'P', 'N' }, 8.2},
		"a possible vulnerability adds nothing": {func(v *Vector) { v.Query, v.Flaw = 'P', 'P' }, 8},
		"a confirmed one does":                  {func(v *Vector) { v.Query, v.Flaw = 'P', 'K' }, 8.3},
		"end of life":                           {func(v *Vector) { v.Query, v.End = 'P', 'Y' }, 8.2},
		"everything is 10": {func(v *Vector) {
			permitted(1 << 40)(v)
			v.Retrieve, v.TLS, v.Flaw, v.End = 'N', 'N', 'K', 'Y'
		}, 10},
		"private address":                      {func(v *Vector) { v.Query, v.Network = 'P', 'I' }, 6},
		"private address that must be dark":    {func(v *Vector) { v.Query, v.Network, v.Dark = 'P', 'I', true }, 8},
		"private address and mutual TLS":       {func(v *Vector) { v.TLS, v.Access, v.Network = 'M', 'C', 'I' }, 0},
		"loopback is judged as if it was open": {func(v *Vector) { v.Query, v.Network = 'P', 'L' }, 8},
	} {
		v := base(c.change)
		if got := v.Severity(); got != c.want {
			t.Errorf("%s: %s is %v, want %v", name, v, got, c.want)
		}
	}
	v := base(func(v *Vector) { permitted(12_345)(v); v.TLS, v.Retrieve = 'N', 'N' })
	if v.String() != "DXA1/N:P/T:N/A:A/Q:P/S:4/R:N/W:X/V:N/E:N" {
		t.Error(v)
	}
	for s, want := range map[float64]string{0: "green", 2.9: "green", 3: "yellow", 6.9: "yellow", 7: "red", 10: "red"} {
		if Colour(s) != want {
			t.Errorf("%v is %s", s, Colour(s))
		}
	}
}
