package report

import "strings"

// tiles places countries on a grid about where they lie, a tile each, so that a
// small one is seen as well as a large one. A country that is not here is in the
// table alone.
const tiles = `
.. .. .. GL .. .. .. .. .. IS .. .. .. NO SE FI .. .. .. .. .. .. .. ..
CA CA .. .. .. .. .. .. IE GB .. .. DK .. EE LV LT .. RU .. .. .. .. ..
US .. .. .. .. .. .. .. .. .. NL DE PL BY .. .. .. .. .. KZ MN .. .. ..
.. .. .. .. .. .. .. .. .. BE LU CZ SK UA MD .. .. .. UZ KG .. KP .. JP
MX CU BS .. .. .. .. .. FR CH LI AT HU RO .. GE .. TM TJ CN .. KR .. ..
GT BZ HT DO PR .. .. .. AD MC SI HR RS BG .. AM AZ AF NP BT .. TW .. ..
SV HN JM TT .. .. .. PT ES IT BA ME MK GR TR SY IR PK IN BD MM HK .. ..
NI CR PA .. .. .. .. .. .. SM MT AL CY LB IQ KW .. .. LK TH LA VN PH ..
.. CO VE GY SR .. .. MA DZ TN LY EG IL JO SA BH QA .. MV MY KH BN .. ..
.. EC PE BR .. .. .. MR ML NE TD SD PS YE OM AE .. .. .. SG ID .. PG ..
.. .. BO PY .. .. CV SN BF NG CM SS ER DJ .. .. .. .. .. .. TL .. SB FJ
.. .. CL AR UY .. GM GN GH BJ CF ET SO .. .. .. .. .. .. .. AU .. VU ..
.. .. .. .. .. .. SL CI TG GA CD UG KE .. .. .. .. .. .. .. .. .. .. NZ
.. .. .. .. .. .. LR .. GQ CG RW BI TZ SC .. .. .. .. .. .. .. .. .. ..
.. .. .. .. .. .. .. .. .. AO ZM MW MZ MG MU .. .. .. .. .. .. .. .. ..
.. .. .. .. .. .. .. .. .. NA BW ZW SZ RE .. .. .. .. .. .. .. .. .. ..
.. .. .. .. .. .. .. .. .. .. ZA LS .. .. .. .. .. .. .. .. .. .. .. ..
`

// Tile is a country on the map.
type Tile struct {
	Code        string
	X, Y        int
	Class       string // good, bad, ugly; "" without systems that answer
	Open, Total int
}

// Tiles returns the map, nil if no country is known.
func Tiles(rows []*Country) []Tile {
	by := map[string]*Country{}
	for _, c := range rows {
		if len(c.Code) == 2 {
			by[c.Code] = c
		}
	}
	if len(by) == 0 {
		return nil
	}
	var out []Tile
	placed := map[string]bool{}
	for y, line := range strings.Split(strings.TrimSpace(tiles), "\n") {
		for x, code := range strings.Fields(line) {
			if code == ".." || placed[code] {
				continue
			}
			placed[code] = true
			t := Tile{Code: code, X: x, Y: y}
			if c := by[code]; c != nil && c.Answered > 0 {
				t.Class, t.Open, t.Total = c.Class, c.Open, c.Answered
			}
			out = append(out, t)
		}
	}
	return out
}
