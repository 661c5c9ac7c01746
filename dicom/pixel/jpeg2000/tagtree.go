package jpeg2000

// tagTree is the quad tree of minima by which packet headers code an integer
// for each code-block of a precinct (T.800 section B.10.2).
type tagTree struct {
	nodes []tagNode
}

type tagNode struct {
	parent int32 // -1 at the root
	value  int32 // the minimum below the node; unknown is tagUnknown
	low    int32 // what the value is known to be at least
	known  bool  // for the encoder: whether the value has been written
}

const tagUnknown = 1 << 30

// newTagTree returns a tree over w by h leaves.
func newTagTree(w, h int) *tagTree {
	t := &tagTree{}
	total, lw, lh := w*h, w, h
	for lw*lh > 1 {
		lw, lh = (lw+1)/2, (lh+1)/2
		total += lw * lh
	}
	t.nodes = make([]tagNode, total)
	base := 0
	for lw, lh = w, h; ; lw, lh = (lw+1)/2, (lh+1)/2 {
		next, nw := base+lw*lh, (lw+1)/2
		for i := range lw * lh {
			parent := int32(next + i/lw/2*nw + i%lw/2)
			if lw*lh == 1 {
				parent = -1
			}
			t.nodes[base+i] = tagNode{parent: parent, value: tagUnknown}
		}
		if lw*lh <= 1 {
			return t
		}
		base = next
	}
}

// path fills the way from the root to a leaf and returns it. A tree over
// 2^31 leaves would have 17 levels.
func (t *tagTree) path(leaf int, way *[40]int32) []int32 {
	n := len(way)
	for i := int32(leaf); i >= 0; i = t.nodes[i].parent {
		n--
		way[n] = i
	}
	return way[n:]
}

// below reads as many bits as it takes to tell whether the leaf's value is less
// than the threshold.
func (t *tagTree) below(r *headerBits, leaf int, threshold int32) bool {
	var way [40]int32
	low := int32(0)
	for _, i := range t.path(leaf, &way) {
		n := &t.nodes[i]
		low = max(low, n.low)
		for low < threshold && low < n.value {
			if r.bit() == 1 {
				n.value = low
			} else {
				low++
			}
		}
		n.low = low
	}
	return t.nodes[leaf].value < threshold
}

// settle gives the inner nodes the minima of the leaves, whose values are set.
func (t *tagTree) settle() {
	for i := range t.nodes {
		if p := t.nodes[i].parent; p >= 0 {
			t.nodes[p].value = min(t.nodes[p].value, t.nodes[i].value)
		}
	}
}

// write writes the bits from which below learns what the leaf's value is, up to
// the threshold.
func (t *tagTree) write(w *headerWriter, leaf int, threshold int32) {
	var way [40]int32
	low := int32(0)
	for _, i := range t.path(leaf, &way) {
		n := &t.nodes[i]
		low = max(low, n.low)
		for low < threshold && low < n.value {
			w.bits(0, 1)
			low++
		}
		if low < threshold && !n.known {
			w.bits(1, 1)
			n.known = true
		}
		n.low = low
	}
}
