package jpeg2000

// The inverse wavelet transforms (T.800 annex F). A component's coefficients lie
// with each resolution in the top left corner of the next; each step doubles
// the corner that holds samples.

// columnBatch is how many columns go through the vertical filter together, so
// that whole cache lines are read.
const columnBatch = 16

// filter is a lifting filter over n interleaved lines of a width; line 0 is at
// an odd coordinate if odd is 1.
type filter[T int32 | float32] func(lines []T, n, width, odd int)

// invert transforms the coefficients of c in data back into samples.
func invert[T int32 | float32](c *tileComp, data []T, f filter[T], workers int) {
	stride := c.width()
	for r := 1; r < len(c.res); r++ {
		res, low := &c.res[r], &c.res[r-1]
		w, h := res.width(), res.height()
		if res.empty() {
			continue
		}
		share(h, workers, func(from, to int) {
			line := make([]T, w)
			for y := from; y < to; y++ {
				row := data[y*stride : y*stride+w]
				interleave(line, row, low.width(), res.x0&1)
				f(line, w, 1, res.x0&1)
				copy(row, line)
			}
		})
		share((w+columnBatch-1)/columnBatch, workers, func(from, to int) {
			lines := make([]T, h*columnBatch)
			for x := from * columnBatch; x < min(to*columnBatch, w); x += columnBatch {
				n := min(columnBatch, w-x)
				columns(lines, data[x:], stride, n, h, low.height(), res.y0&1)
				f(lines, h, n, res.y0&1)
				for y := range h {
					copy(data[y*stride+x:y*stride+x+n], lines[y*n:])
				}
			}
		})
	}
}

// interleave puts the low half of row and the high half at alternate places.
func interleave[T int32 | float32](line, row []T, low, odd int) {
	for i, v := range row[:low] {
		line[2*i+odd] = v
	}
	for i, v := range row[low:] {
		line[2*i+1-odd] = v
	}
}

// columns copies n columns of h rows into lines, the rows interleaved.
func columns[T int32 | float32](lines, data []T, stride, n, h, low, odd int) {
	for y := range h {
		to := 2*y + odd
		if y >= low {
			to = 2*(y-low) + 1 - odd
		}
		copy(lines[to*n:to*n+n], data[y*stride:y*stride+n])
	}
}

// neighbours returns the lines on both sides of line i, mirrored at the edges
// (T.800 section F.3.7). There are at least two lines.
func neighbours[T int32 | float32](lines []T, i, n, width int) (a, b []T) {
	before, after := i-1, i+1
	if before < 0 {
		before = after
	}
	if after >= n {
		after = before
	}
	return lines[before*width : before*width+width], lines[after*width : after*width+width]
}

// filter53 is the reversible filter (T.800 section F.3.8.2).
func filter53(lines []int32, n, width, odd int) {
	if n == 1 {
		if odd == 1 {
			for i := range lines[:width] {
				lines[i] /= 2
			}
		}
		return
	}
	if width == 1 {
		filter53Line(lines[:n], odd)
		return
	}
	for i := odd; i < n; i += 2 {
		a, b := neighbours(lines, i, n, width)
		line := lines[i*width : i*width+width]
		for j := range line {
			line[j] -= (a[j] + b[j] + 2) >> 2
		}
	}
	for i := 1 - odd; i < n; i += 2 {
		a, b := neighbours(lines, i, n, width)
		line := lines[i*width : i*width+width]
		for j := range line {
			line[j] += (a[j] + b[j]) >> 1
		}
	}
}

// filter53Line is filter53 for a single row of two samples or more.
func filter53Line(v []int32, odd int) {
	n := len(v)
	if odd == 0 {
		v[0] -= (2*v[1] + 2) >> 2
	}
	i := 2 - odd
	for ; i+1 < n; i += 2 {
		v[i] -= (v[i-1] + v[i+1] + 2) >> 2
	}
	if i < n {
		v[i] -= (2*v[i-1] + 2) >> 2
	}
	if odd == 1 {
		v[0] += v[1]
	}
	for i = 1 + odd; i+1 < n; i += 2 {
		v[i] += (v[i-1] + v[i+1]) >> 1
	}
	if i < n {
		v[i] += v[i-1]
	}
}

// The coefficients of the irreversible filter (T.800 table F.4).
const (
	lift97Alpha = -1.586134342059924
	lift97Beta  = -0.052980118572961
	lift97Gamma = 0.882911075530934
	lift97Delta = 0.443506852043971
	scale97     = 1.230174104914001
)

// filter97 is the irreversible filter (T.800 section F.3.8.1).
func filter97(lines []float32, n, width, odd int) {
	if n == 1 {
		if odd == 1 {
			for i := range lines[:width] {
				lines[i] /= 2
			}
		}
		return
	}
	for i := range n {
		scale := float32(scale97)
		if i&1 != odd {
			scale = 1 / float32(scale97)
		}
		line := lines[i*width : i*width+width]
		for j := range line {
			line[j] *= scale
		}
	}
	lift97(lines, n, width, odd, lift97Delta)
	lift97(lines, n, width, 1-odd, lift97Gamma)
	lift97(lines, n, width, odd, lift97Beta)
	lift97(lines, n, width, 1-odd, lift97Alpha)
}

// lift97 subtracts from every second line its neighbours times k.
func lift97(lines []float32, n, width, first int, k float32) {
	for i := first; i < n; i += 2 {
		a, b := neighbours(lines, i, n, width)
		line := lines[i*width : i*width+width]
		for j := range line {
			line[j] -= k * (a[j] + b[j])
		}
	}
}
