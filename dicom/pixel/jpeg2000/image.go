package jpeg2000

// Limits bound what Decode accepts. They are checked on the header, before any
// allocation for the image.
type Limits struct {
	// Samples is the largest number of samples of all components together.
	// Decode needs about eight bytes for each.
	Samples int64
	// Components is the largest number of components.
	Components int
	// Tiles is the largest number of tiles.
	Tiles int
}

// DefaultLimits suits one frame of a medical image: 64 Mi samples (a
// mammogram has 30 million), 16 components, 65,535 tiles as the standard has it.
func DefaultLimits() Limits {
	return Limits{Samples: 64 << 20, Components: 16, Tiles: 65535}
}

// Header is what the codestream's SIZ and COD markers say of the image.
type Header struct {
	Width, Height int
	Components    []ComponentInfo
	// Reversible is whether every component is coded by the reversible wavelet:
	// only then can the image be without loss.
	Reversible bool
	// HighThroughput is whether the block coder is that of T.814.
	HighThroughput bool
	// ColourTransform is whether the first three components were transformed.
	// Decode undoes it.
	ColourTransform bool
}

// ComponentInfo describes one component.
type ComponentInfo struct {
	// Width and Height of the component itself, smaller than those of the
	// image where it is subsampled.
	Width, Height int
	// DX and DY are the distances of its samples on the image's grid.
	DX, DY int
	// Bits is the precision of a sample, 1 to 26, the sign included.
	Bits   int
	Signed bool
}

// Image is a decoded image.
type Image struct {
	Header
	// Planes holds the samples of each component, row after row, within the
	// range that its Bits and Signed give.
	Planes [][]int32
}

// At returns the sample of component c that covers the point x, y of the image,
// which is how subsampled components are read at full resolution.
func (m *Image) At(c, x, y int) int32 {
	info := &m.Components[c]
	px, py := min(x/info.DX, info.Width-1), min(y/info.DY, info.Height-1)
	return m.Planes[c][py*info.Width+px]
}
