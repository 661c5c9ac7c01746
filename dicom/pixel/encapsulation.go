package pixel

import (
	"encoding/binary"
	"fmt"
)

// Span is a range of fragments: From is the first, To is behind the last. The
// Basic Offset Table is no fragment here.
type Span struct{ From, To int }

// Fragments tells what there is to know of encapsulated pixel data (PS3.5
// section A.4) without holding it.
type Fragments struct {
	Lengths []int64 // of each fragment, in bytes
	// BasicOffsets is the value of the Basic Offset Table, empty if there is none.
	BasicOffsets []byte
	// ExtendedOffsets and ExtendedLengths are the values of Extended Offset Table
	// (7FE0,0001) and its lengths (7FE0,0002); nil if there are none.
	ExtendedOffsets, ExtendedLengths []byte
	// Starts reports whether fragment i begins with a marker that begins a
	// frame. It is asked only if neither the tables nor the number of fragments
	// tell where frames begin, and may be nil.
	Starts func(i int) bool
}

// itemHeader is the size of an item's tag and length, which offsets count.
const itemHeader = 8

// Frames returns which fragments belong to each of n frames. Tables that point
// elsewhere than to fragments are an error, even if the frames could be found
// without them: others would find other frames.
func (f *Fragments) Frames(n int) ([]Span, error) {
	count := len(f.Lengths)
	switch {
	case n < 1 || count < n:
		return nil, fmt.Errorf("%w: %d frames in %d fragments", ErrSyntax, n, count)
	case len(f.ExtendedOffsets) > 0:
		return f.extended(n)
	case n == 1:
		return []Span{{0, count}}, nil
	case len(f.BasicOffsets) == 4*n:
		return f.spans(n, func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(f.BasicOffsets[4*i:])) })
	case count == n:
		spans := make([]Span, n)
		for i := range spans {
			spans[i] = Span{i, i + 1}
		}
		return spans, nil
	}
	return f.byMarkers(n)
}

// spans finds frames by the offsets of their first fragments from the first
// byte behind the Basic Offset Table.
func (f *Fragments) spans(n int, offset func(i int) uint64) ([]Span, error) {
	spans := make([]Span, n)
	var at uint64
	fragment := 0
	for i := range spans {
		want := offset(i)
		for fragment < len(f.Lengths) && at < want {
			at += itemHeader + uint64(f.Lengths[fragment])
			fragment++
		}
		if at != want || fragment == len(f.Lengths) || i == 0 && fragment != 0 ||
			i > 0 && fragment == spans[i-1].From {
			return nil, fmt.Errorf("%w: offset table points to no fragment", ErrSyntax)
		}
		spans[i].From = fragment
		if i > 0 {
			spans[i-1].To = fragment
		}
	}
	spans[n-1].To = len(f.Lengths)
	return spans, nil
}

// extended finds frames by the Extended Offset Table (PS3.3 section
// C.7.6.3.1.8), with which every frame is one fragment.
func (f *Fragments) extended(n int) ([]Span, error) {
	if len(f.ExtendedOffsets) != 8*n || len(f.ExtendedLengths) != 8*n {
		return nil, fmt.Errorf("%w: extended offset table of other size than frames", ErrSyntax)
	}
	spans, err := f.spans(n, func(i int) uint64 { return binary.LittleEndian.Uint64(f.ExtendedOffsets[8*i:]) })
	if err != nil {
		return nil, err
	}
	for i, s := range spans {
		length := binary.LittleEndian.Uint64(f.ExtendedLengths[8*i:])
		padded := uint64(f.Lengths[s.From])
		if s.To != s.From+1 || length != padded && length+1 != padded {
			return nil, fmt.Errorf("%w: extended offset table does not fit the fragments", ErrSyntax)
		}
	}
	return spans, nil
}

// byMarkers finds frames by the fragments that begin one.
func (f *Fragments) byMarkers(n int) ([]Span, error) {
	var spans []Span
	for i := range f.Lengths {
		if f.Starts != nil && f.Starts(i) && len(spans) <= n {
			if len(spans) > 0 {
				spans[len(spans)-1].To = i
			}
			spans = append(spans, Span{From: i})
		}
	}
	if len(spans) != n || spans[0].From != 0 {
		return nil, fmt.Errorf("%w: %d fragments do not show where %d frames begin", ErrSyntax, len(f.Lengths), n)
	}
	spans[n-1].To = len(f.Lengths)
	return spans, nil
}

// StartsFrame reports whether a fragment that begins with b begins a frame of
// the JPEG family: with SOI (ISO/IEC 10918-1), SOC and SIZ or CAP (ISO/IEC
// 15444-1), or a JPEG 2000 file header.
func StartsFrame(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch m := binary.BigEndian.Uint32(b); {
	case m>>8 == 0xFFD8FF, m == 0xFF4FFF51, m == 0xFF4FFF50, m == 0x0000000C:
		return true
	}
	return false
}
