package jpeg2000

// forward transforms the samples of c, whose corner is at the origin, into the
// coefficients of the reversible wavelet (T.800 section F.4): columns first,
// as the decoder does rows first.
func forward(c *tileComp, workers int) {
	stride := c.width()
	for r := len(c.res) - 1; r > 0; r-- {
		w, h := c.res[r].width(), c.res[r].height()
		low := &c.res[r-1]
		share((w+columnBatch-1)/columnBatch, workers, func(from, to int) {
			lines := make([]int32, h*columnBatch)
			for x := from * columnBatch; x < min(to*columnBatch, w); x += columnBatch {
				n := min(columnBatch, w-x)
				for y := range h {
					copy(lines[y*n:y*n+n], c.ints[y*stride+x:])
				}
				forward53(lines, h, n)
				for y := range h {
					at := (y/2+y%2*low.height())*stride + x
					copy(c.ints[at:at+n], lines[y*n:])
				}
			}
		})
		share(h, workers, func(from, to int) {
			line := make([]int32, w)
			for y := from; y < to; y++ {
				row := c.ints[y*stride : y*stride+w]
				copy(line, row)
				forward53(line, w, 1)
				for x, v := range line {
					row[x/2+x%2*low.width()] = v
				}
			}
		})
	}
}

// forward53 is the reversible filter (T.800 section F.4.8.2), over lines as
// filter53's.
func forward53(lines []int32, n, width int) {
	if n == 1 {
		return
	}
	for i := 1; i < n; i += 2 {
		a, b := neighbours(lines, i, n, width)
		line := lines[i*width : i*width+width]
		for j := range line {
			line[j] -= (a[j] + b[j]) >> 1
		}
	}
	for i := 0; i < n; i += 2 {
		a, b := neighbours(lines, i, n, width)
		line := lines[i*width : i*width+width]
		for j := range line {
			line[j] += (a[j] + b[j] + 2) >> 2
		}
	}
}
