package jpeg2000

import (
	"cmp"
	"slices"
)

// place is where one precinct's packets stand in a progression by position.
type place struct {
	y, x           int // on the reference grid
	comp, res, num int32
}

// packets calls read for each packet of the tile in the order that the
// progression gives (T.800 section B.12). A precinct's layers come in order: a
// packet that an earlier progression had is not asked for again. It ends early
// when read says that there are no more bytes.
func (t *tile) packets(infos []ComponentInfo, changes []change, read func(c, r, k int) (more bool, err error)) error {
	if len(changes) == 0 {
		changes = []change{{resEnd: 33, compEnd: len(t.comps), layerEnd: t.layers, order: t.order}}
	}
	for _, ch := range changes {
		ch.compEnd = min(ch.compEnd, len(t.comps))
		ch.layerEnd = min(ch.layerEnd, t.layers)
		levels := 0
		for i := range t.comps {
			levels = max(levels, t.comps[i].levels+1)
		}
		ch.resEnd = min(ch.resEnd, levels)
		w := walk{t: t, infos: infos, change: ch, read: read}
		if more, err := w.run(); err != nil || !more {
			return err
		}
	}
	return nil
}

// walk goes through one progression volume.
type walk struct {
	change
	t     *tile
	infos []ComponentInfo
	read  func(c, r, k int) (bool, error)
}

func (w *walk) run() (bool, error) {
	places := w.places()
	if w.order != orderLRCP && w.order != orderRLCP {
		for _, p := range places {
			if more, err := w.layers(p, w.layerEnd); err != nil || !more {
				return more, err
			}
		}
		return true, nil
	}
	if w.order == orderLRCP {
		return w.byLayer(places)
	}
	for len(places) > 0 { // RLCP: by layer within each resolution
		n := 1
		for n < len(places) && places[n].res == places[0].res {
			n++
		}
		if more, err := w.byLayer(places[:n]); err != nil || !more {
			return more, err
		}
		places = places[n:]
	}
	return true, nil
}

func (w *walk) byLayer(places []place) (bool, error) {
	for l := range w.layerEnd {
		for _, p := range places {
			if more, err := w.layers(p, l+1); err != nil || !more {
				return more, err
			}
		}
	}
	return true, nil
}

// layers reads the packets of a precinct up to a layer.
func (w *walk) layers(p place, end int) (bool, error) {
	pre := &w.t.comps[p.comp].res[p.res].precincts[p.num]
	for pre.layers < end {
		more, err := w.read(int(p.comp), int(p.res), int(p.num))
		if err != nil || !more {
			return more, err
		}
		pre.layers++
	}
	return true, nil
}

// places lists the precincts of the volume in the order of the progression,
// layers aside.
func (w *walk) places() []place {
	var all []place
	for i := w.compStart; i < w.compEnd; i++ {
		c := &w.t.comps[i]
		for r := w.resStart; r < min(w.resEnd, len(c.res)); r++ {
			res := &c.res[r]
			for k := range res.precincts {
				y := w.position(res.y0, k/res.wide, res.ppy, c.levels-r, w.infos[i].DY, w.t.y0)
				x := w.position(res.x0, k%res.wide, res.ppx, c.levels-r, w.infos[i].DX, w.t.x0)
				all = append(all, place{y: y, x: x, comp: int32(i), res: int32(r), num: int32(k)})
			}
		}
	}
	slices.SortStableFunc(all, w.compare)
	return all
}

// position is where a row or column of precincts begins on the reference grid:
// where it meets the precinct grid, or at the tile's edge.
func (w *walk) position(from, n, pp, down, step, edge int) int {
	at := (from>>pp + n) << pp
	if at < from {
		return edge
	}
	return at << down * step
}

func (w *walk) compare(a, b place) int {
	byPlace := func() int { return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x)) }
	byComp := cmp.Compare(a.comp, b.comp)
	byRes := cmp.Compare(a.res, b.res)
	switch w.order {
	case orderRPCL:
		return cmp.Or(byRes, byPlace(), byComp)
	case orderPCRL:
		return cmp.Or(byPlace(), byComp, byRes)
	case orderCPRL:
		return cmp.Or(byComp, byPlace(), byRes)
	default: // LRCP, RLCP: precincts in their raster
		return cmp.Or(byRes, byComp)
	}
}
