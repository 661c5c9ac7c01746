package jpeg2000

import "encoding/binary"

// stream is a codestream taken apart: the main header, and for each tile its
// parameters and the bytes of its tile-parts.
type stream struct {
	*size
	main  *params
	tiles []tileData
	// packed are the packet headers of a PPM segment, one slice for each
	// tile-part in order (T.800 section A.7.4).
	packed [][]byte
	usePPM bool
}

// tileData is what the stream holds for one tile.
type tileData struct {
	params *params
	bodies [][]byte
	// headers are the packet headers of PPM or PPT segments; packedHeaders says
	// that there are any, so that the bodies hold none.
	headers       [][]byte
	packedHeaders bool
}

// segment reads the marker segment at the start of b and returns its marker,
// its body and what follows it.
func segment(b []byte) (mark int, body, rest []byte, err error) {
	if len(b) < 4 {
		return 0, nil, nil, malformed("header cut off")
	}
	mark = int(binary.BigEndian.Uint16(b))
	n := int(binary.BigEndian.Uint16(b[2:]))
	if mark < 0xff00 {
		return 0, nil, nil, malformed("marker expected, found %#04x", mark)
	}
	if n < 2 || n > len(b)-2 {
		return 0, nil, nil, malformed("marker segment %#04x of impossible length", mark)
	}
	return mark, b[4 : 2+n], b[2+n:], nil
}

// readMain reads the main header and returns what follows, which begins with SOT.
func readMain(b []byte, lim Limits) (*stream, []byte, error) {
	if len(b) < 4 || binary.BigEndian.Uint16(b) != markSOC {
		return nil, nil, malformed("no SOC marker")
	}
	mark, body, b, err := segment(b[2:])
	if err != nil {
		return nil, nil, err
	}
	if mark != markSIZ {
		return nil, nil, malformed("no SIZ after SOC")
	}
	s := &stream{}
	if s.size, err = readSIZ(&cursor{b: body}, lim); err != nil {
		return nil, nil, err
	}
	n := len(s.components)
	s.main = (&params{coding: make([]coding, n), quant: make([]quant, n), roi: make([]uint8, n)}).clone()
	var ppm [][]byte
	cod, qcd := false, false
	for {
		if len(b) >= 2 && binary.BigEndian.Uint16(b) == markSOT {
			break
		}
		if mark, body, b, err = segment(b); err != nil {
			return nil, nil, err
		}
		if mark == markPPM {
			ppm = append(ppm, body)
			continue
		}
		if err = readParam(mark, body, s.main); err != nil {
			return nil, nil, err
		}
		cod, qcd = cod || mark == markCOD, qcd || mark == markQCD
	}
	if !cod || !qcd {
		return nil, nil, malformed("no COD or no QCD in the main header")
	}
	s.usePPM = ppm != nil
	s.packed, err = splitPPM(ppm)
	return s, b, err
}

// readParam reads a segment that main and tile-part headers may hold. What only
// helps to find one's way (TLM, PLM, PLT, CRG, COM, CAP) is passed over.
func readParam(mark int, body []byte, p *params) error {
	c := &cursor{b: body}
	switch mark {
	case markCOD:
		return readCOD(c, p)
	case markCOC:
		return readCOC(c, p)
	case markQCD:
		return readQCD(c, p)
	case markQCC:
		return readQCC(c, p)
	case markRGN:
		return readRGN(c, p)
	case markPOC:
		return readPOC(c, p)
	case markSOC, markSIZ, markSOP, markEPH, markEOC:
		return malformed("marker %#04x in a header", mark)
	}
	return nil
}

// splitPPM joins the PPM segments and cuts them into the headers of tile-parts.
func splitPPM(segments [][]byte) ([][]byte, error) {
	joined, err := joinPacked(segments)
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	for len(joined) > 0 {
		if len(joined) < 4 {
			return nil, malformed("PPM cut off")
		}
		n := binary.BigEndian.Uint32(joined)
		if uint64(n) > uint64(len(joined)-4) {
			return nil, malformed("PPM longer than its segments")
		}
		parts = append(parts, joined[4:4+n])
		joined = joined[4+n:]
	}
	return parts, nil
}

// joinPacked joins PPM or PPT segments in the order of their indices.
func joinPacked(segments [][]byte) ([]byte, error) {
	var order [256][]byte
	for _, s := range segments {
		if len(s) < 1 || order[s[0]] != nil {
			return nil, malformed("PPM or PPT index")
		}
		order[s[0]] = s[1:]
	}
	var joined []byte
	for _, s := range order {
		joined = append(joined, s...)
	}
	return joined, nil
}

// readTiles reads the tile-parts that follow the main header (T.800 section
// A.4.2). A missing EOC marker is forgiven; a tile without bytes is not.
func (s *stream) readTiles(b []byte) error {
	// Each tile has one tile-part at least, of an SOT, an SOD and no packet.
	if s.tilesWide*s.tilesHigh > len(b)/14 {
		return malformed("fewer bytes than tiles")
	}
	s.tiles = make([]tileData, s.tilesWide*s.tilesHigh)
	for len(b) >= 2 && binary.BigEndian.Uint16(b) == markSOT {
		part := b
		mark, body, _, err := segment(b)
		if err != nil || mark != markSOT || len(body) != 8 {
			return malformed("SOT")
		}
		index := int(binary.BigEndian.Uint16(body))
		length := int(binary.BigEndian.Uint32(body[2:]))
		if index >= len(s.tiles) {
			return malformed("tile %d of %d", index, len(s.tiles))
		}
		switch {
		case length == 0: // the last one, to the end
			b = nil
			part = trimEOC(part)
		case length < 14 || length > len(part):
			return malformed("tile-part longer than the codestream")
		default:
			part, b = part[:length], part[length:]
		}
		if err := s.readPart(&s.tiles[index], part[12:]); err != nil {
			return err
		}
	}
	for i := range s.tiles {
		if s.tiles[i].params == nil {
			return malformed("tile %d is missing", i)
		}
	}
	return nil
}

func trimEOC(b []byte) []byte {
	if n := len(b); n >= 2 && binary.BigEndian.Uint16(b[n-2:]) == markEOC {
		return b[:n-2]
	}
	return b
}

// readPart reads the header of a tile-part, after its SOT, and keeps its body.
func (s *stream) readPart(t *tileData, b []byte) error {
	if t.params == nil {
		t.params = s.main.clone()
	}
	var ppt [][]byte
	for {
		if len(b) >= 2 && binary.BigEndian.Uint16(b) == markSOD {
			b = b[2:]
			break
		}
		mark, body, rest, err := segment(b)
		if err != nil {
			return err
		}
		b = rest
		switch mark {
		case markPPT:
			ppt = append(ppt, body)
		case markPPM, markSOT:
			return malformed("marker %#04x in a tile-part header", mark)
		default:
			if err := readParam(mark, body, t.params); err != nil {
				return err
			}
		}
	}
	t.bodies = append(t.bodies, b)
	if s.usePPM {
		if len(s.packed) == 0 || ppt != nil {
			return malformed("packed packet headers do not fit the tile-parts")
		}
		t.headers, t.packedHeaders = append(t.headers, s.packed[0]), true
		s.packed = s.packed[1:]
	}
	if ppt != nil {
		joined, err := joinPacked(ppt)
		if err != nil {
			return err
		}
		t.headers, t.packedHeaders = append(t.headers, joined), true
	}
	return nil
}

// join returns the parts as one slice, without copying a single one.
func join(parts [][]byte) []byte {
	if len(parts) == 1 {
		return parts[0]
	}
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
