package jpeg2000

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// DecodeHeader reads the main header of a codestream or JP2 file, in no more
// time than the header takes, and checks it against the limits.
func DecodeHeader(b []byte, lim Limits) (Header, error) {
	b, err := codestreamOf(b)
	if err != nil {
		return Header{}, err
	}
	s, _, err := readMain(b, lim)
	if err != nil {
		return Header{}, err
	}
	return s.header(), nil
}

func (s *stream) header() Header {
	h := Header{Width: s.x1 - s.x0, Height: s.y1 - s.y0, Components: s.components,
		Reversible: true, ColourTransform: s.main.mct}
	for _, c := range s.main.coding {
		h.Reversible = h.Reversible && c.reversible
		h.HighThroughput = h.HighThroughput || c.style&styleHT != 0
	}
	return h
}

// Decode decodes a codestream, or the codestream in a JP2 file. It uses two
// goroutines at most, which have ended when it returns, and gives up when ctx
// ends. Errors are of one of the kinds of this package, or the context's.
func Decode(ctx context.Context, b []byte, lim Limits) (*Image, error) {
	b, err := codestreamOf(b)
	if err != nil {
		return nil, err
	}
	s, rest, err := readMain(b, lim)
	if err != nil {
		return nil, err
	}
	if err := s.readTiles(rest); err != nil {
		return nil, err
	}
	m := &Image{Header: s.header()}
	bud := &budget{}
	for n := range s.tiles {
		t, err := s.decodeTile(ctx, n, bud)
		if err != nil {
			return nil, fmt.Errorf("tile %d: %w", n, err)
		}
		s.place(m, t)
		s.tiles[n] = tileData{}
	}
	return m, nil
}

// decodeTile decodes one tile.
func (s *stream) decodeTile(ctx context.Context, n int, bud *budget) (*tile, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, err := s.newTile(n, bud)
	if err != nil {
		return nil, err
	}
	data := &s.tiles[n]
	p := &packetReader{t: t, body: join(data.bodies), packed: data.packedHeaders}
	if p.packed {
		p.headers = join(data.headers)
	}
	changes := data.params.poc
	if len(changes) == 0 {
		changes = s.main.poc
	}
	if err := t.packets(s.components, changes, p.next); err != nil {
		return nil, err
	}
	if err := t.decodeBlocks(ctx); err != nil {
		return nil, err
	}
	for i := range t.comps {
		c := &t.comps[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		workers := workersFor(c.width() * c.height())
		if c.reversible {
			invert(c, c.ints, filter53, workers)
		} else {
			invert(c, c.floats, filter97, workers)
		}
	}
	return t, t.finish(s.components)
}

// place copies the tile's samples into the image. A tile that is the whole
// image gives its samples away.
func (s *stream) place(m *Image, t *tile) {
	if m.Planes == nil {
		m.Planes = make([][]int32, len(s.components))
	}
	for i := range t.comps {
		c, info := &t.comps[i], &s.components[i]
		if len(s.tiles) == 1 {
			m.Planes[i] = c.ints
			continue
		}
		if m.Planes[i] == nil {
			m.Planes[i] = make([]int32, info.Width*info.Height)
		}
		x, y := c.x0-ceilDiv(s.x0, info.DX), c.y0-ceilDiv(s.y0, info.DY)
		w := c.width()
		for row := range c.height() {
			copy(m.Planes[i][(y+row)*info.Width+x:], c.ints[row*w:row*w+w])
		}
	}
}

// job is one code-block to decode.
type job struct {
	c *tileComp
	b *band
	k *block
}

// decodeBlocks decodes the tile's code-blocks into the coefficients.
func (t *tile) decodeBlocks(ctx context.Context) error {
	var jobs []job
	samples := 0
	for i := range t.comps {
		c := &t.comps[i]
		n := max(0, c.width()) * max(0, c.height())
		samples += n
		if c.reversible {
			c.ints = make([]int32, n)
		} else {
			c.floats = make([]float32, n)
		}
		c.eachBlock(func(b *band, k *block) {
			if k.passes > 0 {
				jobs = append(jobs, job{c, b, k})
			}
		})
	}
	var next atomic.Int64
	var once sync.Once
	var first error
	workers := workersFor(samples)
	share(workers, workers, func(int, int) {
		var d blockDecoder
		for {
			i := int(next.Add(1)) - 1
			if i >= len(jobs) {
				return
			}
			err := ctx.Err()
			if err == nil {
				err = d.into(jobs[i])
			}
			if err != nil {
				once.Do(func() { first = err })
				next.Store(int64(len(jobs)))
				return
			}
		}
	})
	return first
}

// eachBlock calls f for each code-block that has been made.
func (c *tileComp) eachBlock(f func(*band, *block)) {
	for r := range c.res {
		res := &c.res[r]
		for k := range res.precincts {
			for i := range res.precincts[k].parts {
				blocks := res.precincts[k].parts[i].blocks
				for j := range blocks {
					f(&res.bands[i], &blocks[j])
				}
			}
		}
	}
}

// into decodes a block and puts its coefficients, dequantised (T.800 annex E),
// where they belong.
func (d *blockDecoder) into(j job) error {
	c, b, k := j.c, j.b, j.k
	data, err := d.decode(k, b.planes+c.shift, b.orient, c.style)
	if err != nil {
		return err
	}
	if c.shift > 0 {
		unshift(data, c.shift)
	}
	w, at := k.width(), b.offset+(k.y0-b.y0)*c.width()+k.x0-b.x0
	for y := range k.height() {
		row := data[y*w : y*w+w]
		if c.reversible {
			to := c.ints[at+y*c.width():][:w]
			for x, v := range row {
				to[x] = v / 2
			}
		} else {
			half := b.stepSize / 2
			to := c.floats[at+y*c.width():][:w]
			for x, v := range row {
				to[x] = float32(v) * half
			}
		}
	}
	return nil
}

// unshift brings the coefficients of the region of interest, which are above
// all others, back to their size (T.800 section H.1). They are doubled here.
func unshift(data []int32, shift int) {
	for i, v := range data {
		if v >= 2<<shift {
			data[i] = v >> shift
		} else if -v >= 2<<shift {
			data[i] = -(-v >> shift)
		}
	}
}
