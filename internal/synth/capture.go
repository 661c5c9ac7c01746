package synth

import "github.com/tresor-pacs/tresor/dicom/dict"

var sc = maker{modality: "OT", class: dict.UIDSecondaryCaptureImageStorage, count: 1, fill: fillSC}

// fillSC adds the SC Equipment module (PS3.3 section C.8.6.1): a test card of
// colour bars, a grey wedge and a grid.
func fillSC(s *study, o *Object, series, instance int) {
	ds := o.Header
	rows, cols := s.size(256, 384)
	put(ds, dict.ConversionType, "WSD")
	put(ds, dict.Laterality)
	put(ds, dict.PatientOrientation)
	o.colour(rows, cols, 1, func(_ int, dst []byte) {
		bars := [8][3]byte{{255, 255, 255}, {255, 255, 0}, {0, 255, 255}, {0, 255, 0}, {255, 0, 255}, {255, 0, 0}, {0, 0, 255}, {0, 0, 0}}
		for j := range rows {
			for i := range cols {
				p := dst[3*(j*cols+i):]
				wedge := byte(i * 255 / max(cols-1, 1))
				switch {
				case j < rows/2:
					copy(p, bars[i*8/cols][:])
				case j < rows*3/4:
					p[0], p[1], p[2] = wedge, wedge, wedge
				case i%16 == 0 || j%16 == 0:
					p[0], p[1], p[2] = 220, 220, 220
				default:
					p[0], p[1], p[2] = wedge/4, byte(series*40), byte(instance*20)
				}
			}
		}
	})
}
