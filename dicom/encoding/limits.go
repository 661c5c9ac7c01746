package encoding

// Limits bounds what reading a data set may cost. A field that is zero has its
// default.
type Limits struct {
	Depth       int   // of nested sequences
	Elements    int   // elements and items in the whole data set
	HeaderBytes int64 // element headers and values that are kept, but for pixel data and, with KeepUpTo zero, other values of bytes
	ValueLength int64 // of one value or fragment
	Fragments   int   // of one pixel data element

	// A deflated data set may grow by InflateRatio once it has passed
	// InflateFloor bytes, and to InflatedBytes at most.
	InflateRatio  int
	InflateFloor  int64
	InflatedBytes int64
}

// DefaultLimits returns the limits that an archive needs: room for the largest
// objects of today and none for bombs. An element takes about 100 bytes of
// memory besides its value.
func DefaultLimits() Limits {
	return Limits{
		Depth:         64,
		Elements:      500_000,
		HeaderBytes:   64 << 20,
		ValueLength:   0xFFFFFFFE,
		Fragments:     2_000_000,
		InflateRatio:  100,
		InflateFloor:  16 << 20,
		InflatedBytes: 8 << 30,
	}
}

// orDefault replaces fields that are zero.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	set(&l.Depth, d.Depth)
	set(&l.Elements, d.Elements)
	set(&l.HeaderBytes, d.HeaderBytes)
	set(&l.ValueLength, d.ValueLength)
	set(&l.Fragments, d.Fragments)
	set(&l.InflateRatio, d.InflateRatio)
	set(&l.InflateFloor, d.InflateFloor)
	set(&l.InflatedBytes, d.InflatedBytes)
	return l
}

func set[N int | int64](field *N, value N) {
	if *field == 0 {
		*field = value
	}
}

// Options are for reading. The zero value is good.
type Options struct {
	Limits Limits
	// KeepUpTo is the length in bytes up to which values are kept in memory;
	// longer ones become Bulk, and encapsulated pixel data always does. 0 keeps
	// all. Whoever reads from strangers sets it.
	KeepUpTo int64
	// BulkPixelData makes pixel data Bulk however short it is, that of icons in
	// sequences too.
	BulkPixelData bool
	// Command says that the data set is a command set (PS3.7 section 6.3): it
	// has group 0000, and nothing else.
	Command bool
}
