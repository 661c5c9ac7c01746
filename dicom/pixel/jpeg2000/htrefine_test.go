package jpeg2000

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// refined encodes an image with a cleanup pass of all but the lowest bit-plane
// in each block and passes refinement passes of that one, as no encoder does
// that we know of. What no pass codes is lost. Of two layers one has the cleanup
// passes and one the refinement.
func refined(t *testing.T, m *Image, passes, layers int) []byte {
	t.Helper()
	s, err := encodeStream(m, true)
	if err != nil {
		t.Fatal(err)
	}
	tile, err := s.newTile(0, &budget{})
	if err != nil {
		t.Fatal(err)
	}
	if err := tile.analyse(m); err != nil {
		t.Fatal(err)
	}
	for i := range tile.comps {
		c := &tile.comps[i]
		c.eachBlock(func(b *band, k *block) { refineBlock(c, b, k, passes) })
	}
	s.main.layers = layers
	out := s.appendHeaders()
	out[bytes.Index(out, []byte{0xff, markCOD & 0xff})+7] = byte(layers)
	start := len(out)
	out = append(out, 0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x93)
	err = tile.packets(s.components, nil, func(c, r, k int) (bool, error) {
		pre := &tile.comps[c].res[r].precincts[k]
		out = appendRefined(out, pre, pre.layers, layers)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(out[start+6:], uint32(len(out)-start))
	binary.BigEndian.PutUint32(out[start-4:], uint32(len(out)-start))
	return append(out, 0xff, 0xd9)
}

// refineBlock encodes one block in two segments.
func refineBlock(c *tileComp, b *band, k *block, passes int) {
	w, h := k.width(), k.height()
	whole, half := make([]int32, w*h), make([]int32, w*h)
	for y := range h {
		copy(whole[y*w:], c.ints[b.offset+(k.y0-b.y0+y)*c.width()+k.x0-b.x0:][:w])
	}
	for i, v := range whole {
		half[i] = v / 2
	}
	var e htEncoder
	cleanup := e.encode(half, w, w, h)
	k.keep(b.planes-2, 1, cleanup)
	if !k.included {
		return
	}
	significant := make([]bool, w*h)
	for i, v := range half {
		significant[i] = v != 0
	}
	near := func(x, y int) bool {
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				if x+dx >= 0 && x+dx < w && y+dy >= 0 && y+dy < h && significant[(y+dy)*w+x+dx] {
					return true
				}
			}
		}
		return false
	}
	var propagation htForwardWriter
	refinement := htBackwardWriter{last: 0xff}
	for top := 0; top < h; top += 4 {
		for left := 0; left < w; left += 4 {
			var signs []uint32
			for x := left; x < min(left+4, w); x++ {
				for y := top; y < min(top+4, h); y++ {
					at := y*w + x
					if significant[at] || !near(x, y) {
						continue
					}
					propagation.bits(uint32(whole[at])&1, 1)
					if whole[at] != 0 {
						significant[at] = true
						signs = append(signs, uint32(whole[at])>>31)
					}
				}
			}
			for _, sign := range signs {
				propagation.bits(sign, 1)
			}
		}
		for x := range w {
			for y := top; y < min(top+4, h); y++ {
				if half[y*w+x] != 0 {
					refinement.bits(uint32(max(whole[y*w+x], -whole[y*w+x]))&1, 1)
				}
			}
		}
	}
	for propagation.n > 0 {
		propagation.bits(0, propagation.room()-propagation.n)
	}
	segment := append(propagation.out, 0) // a byte that keeps the two apart
	if passes > 1 {
		segment = append(segment, refinement.finish()...)
	}
	k.segs = append(k.segs, seg{passes: passes, pieces: [][]byte{segment}})
}

// appendRefined writes a precinct's packet of a layer.
func appendRefined(out []byte, pre *precinct, layer, layers int) []byte {
	w := newHeaderWriter()
	w.bits(1, 1)
	for i := range pre.parts {
		p := &pre.parts[i]
		if len(p.blocks) == 0 {
			continue
		}
		if layer == 0 {
			for j := range p.blocks {
				p.zeroes.nodes[j].value, p.inclusion.nodes[j].value = int32(p.blocks[j].zero), int32(layers)
				if p.blocks[j].included {
					p.inclusion.nodes[j].value = 0
				}
			}
			p.zeroes.settle()
			p.inclusion.settle()
		}
		for j := range p.blocks {
			b := &p.blocks[j]
			if layer > 0 && b.included {
				w.bits(1, 1)
			} else {
				p.inclusion.write(w, j, int32(layer)+1)
			}
			if b.included {
				if layer == 0 {
					p.zeroes.write(w, j, int32(b.zero)+1)
				}
				b.lblock = uint8(appendLengths(w, int(b.lblock), b.segs[layer*(len(b.segs)-1):], layers))
			}
		}
	}
	out = append(out, w.finish()...)
	for i := range pre.parts {
		for j := range pre.parts[i].blocks {
			for k, s := range pre.parts[i].blocks[j].segs {
				if layers == 1 || k == layer {
					out = append(out, s.pieces[0]...)
				}
			}
		}
	}
	return out
}

// appendLengths writes what a packet header says of the first segment of segs,
// or of all if there is one layer.
func appendLengths(w *headerWriter, lblock int, segs []seg, layers int) int {
	if layers > 1 {
		segs = segs[:1]
	}
	passes, size := 0, lblock
	for _, s := range segs {
		passes += s.passes
		size = max(size, bits.Len(uint(len(s.pieces[0])))-bits.Len(uint(s.passes))+1)
	}
	w.passCount(passes)
	w.bits(1<<(size-lblock+1)-2, size-lblock+1)
	for _, s := range segs {
		w.bits(uint(len(s.pieces[0])), size+bits.Len(uint(s.passes))-1)
	}
	return size
}

// What refinement passes code is decoded as the two other decoders that know
// them decode it, and where they code everything, exactly.
func TestOracleRefinement(t *testing.T) {
	decompress, expand := tool(t, "opj_decompress"), openjph(t, "ojph_expand")
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(9, 10))
	exact := 0
	for i := range 24 {
		bits := []int{8, 12, 16}[i%3]
		m := picture(r, []int{0, 1, 1, 4}[i%4], 1+r.IntN(150), 1+r.IntN(150), 1, bits, false)
		passes := 1 + i%2
		name := fmt.Sprintf("%d passes, picture %d, %d bits, %d by %d", passes, i%4, bits, m.Width, m.Height)
		b := refined(t, m, passes, 1)
		got, err := Decode(context.Background(), b, DefaultLimits())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		in, rawl, pgm := filepath.Join(dir, "a.j2k"), filepath.Join(dir, "a.rawl"), filepath.Join(dir, "a.pgm")
		write(t, in, b)
		write(t, filepath.Join(dir, "a.j2c"), b)
		run(t, decompress, "-i", in, "-o", rawl)
		if worst := distance(got, read(t, rawl)); worst > 0 {
			t.Errorf("%s: differs by %d from OpenJPEG", name, worst)
		}
		run(t, expand, "-i", filepath.Join(dir, "a.j2c"), "-o", pgm)
		if other := pnm(t, read(t, pgm)); !slices.Equal(other[0], got.Planes[0]) {
			t.Errorf("%s: differs from OpenJPH", name)
		}
		if slices.Equal(got.Planes[0], m.Planes[0]) {
			exact++
		}
		// The other decoders know no layers in this coder.
		layered, err := Decode(context.Background(), refined(t, m, passes, 2), DefaultLimits())
		if err != nil || !slices.Equal(got.Planes[0], layered.Planes[0]) {
			t.Errorf("%s: differs in two layers, %v", name, err)
		}
	}
	if exact == 0 {
		t.Error("no image came back whole: the pictures are badly chosen")
	}
}
