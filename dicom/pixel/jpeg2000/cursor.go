package jpeg2000

// cursor reads the body of a marker segment. Reading past the end sets short,
// which the reader of the segment checks once.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) uint8() int  { return c.number(1) }
func (c *cursor) uint16() int { return c.number(2) }
func (c *cursor) uint32() int { return c.number(4) }

// component reads a component's index: two bytes if there are more than 256.
func (c *cursor) component(count int) int {
	if count > 256 {
		return c.uint16()
	}
	return c.uint8()
}

func (c *cursor) number(n int) int {
	if len(c.b) < n {
		c.b, c.short = nil, true
		return 0
	}
	v := 0
	for _, b := range c.b[:n] {
		v = v<<8 | int(b)
	}
	c.b = c.b[n:]
	return v
}
