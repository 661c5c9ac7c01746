package pixel

// The inverse DCT of ISO/IEC 10918-1 section A.3.3 after Loeffler, Ligtenberg
// and Moschytz (ICASSP 1989), in fixed point with 13 fractional bits and the
// intermediate precision that the Independent JPEG Group's slow integer
// transform has: the results are the same as those of the field's libraries.
const (
	dctBits = 13

	dct0298 = 2446 // 0.298631336 and so on, times 1<<dctBits
	dct0390 = 3196
	dct0541 = 4433
	dct0765 = 6270
	dct0899 = 7373
	dct1175 = 9633
	dct1501 = 12299
	dct1847 = 15137
	dct1961 = 16069
	dct2053 = 16819
	dct2562 = 20995
	dct3072 = 25172
)

// idct1 transforms the eight values b[0], b[step], ...; the results are divided
// by 1<<shift.
func idct1(b *[64]int, at, step int, shift uint) {
	s := b[at : at+7*step+1]
	// The even part.
	z := (s[2*step] + s[6*step]) * dct0541
	t2, t3 := z-s[6*step]*dct1847, z+s[2*step]*dct0765
	t0, t1 := (s[0]+s[4*step])<<dctBits, (s[0]-s[4*step])<<dctBits
	e0, e3, e1, e2 := t0+t3, t0-t3, t1+t2, t1-t2
	// The odd part.
	o0, o1, o2, o3 := s[7*step], s[5*step], s[3*step], s[step]
	z1, z2, z3, z4 := -(o0+o3)*dct0899, -(o1+o2)*dct2562, o0+o2, o1+o3
	z5 := (z3 + z4) * dct1175
	z3, z4 = z5-z3*dct1961, z5-z4*dct0390
	o0 = o0*dct0298 + z1 + z3
	o1 = o1*dct2053 + z2 + z4
	o2 = o2*dct3072 + z2 + z3
	o3 = o3*dct1501 + z1 + z4
	half := 1 << (shift - 1)
	s[0], s[7*step] = (e0+o3+half)>>shift, (e0-o3+half)>>shift
	s[step], s[6*step] = (e1+o2+half)>>shift, (e1-o2+half)>>shift
	s[2*step], s[5*step] = (e2+o1+half)>>shift, (e2-o1+half)>>shift
	s[3*step], s[4*step] = (e3+o0+half)>>shift, (e3-o0+half)>>shift
}

// idct transforms a block of dequantised coefficients in place. The samples it
// leaves are not yet shifted to be positive, nor limited.
func idct(b *[64]int, precision int) {
	pass := uint(2) // fractional bits between the passes
	if precision > 8 {
		pass = 1
	}
	for x := range 8 {
		if b[8+x]|b[16+x]|b[24+x]|b[32+x]|b[40+x]|b[48+x]|b[56+x] == 0 {
			v := b[x] << pass
			for y := 0; y < 64; y += 8 {
				b[y+x] = v
			}
			continue
		}
		idct1(b, x, 8, dctBits-pass)
	}
	for y := 0; y < 64; y += 8 {
		idct1(b, y, 1, dctBits+pass+3)
	}
}
