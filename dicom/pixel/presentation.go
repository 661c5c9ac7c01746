package pixel

import (
	"image"
	"math"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// presented returns what tells how frame i of ds is displayed under a softcopy
// presentation state: the transformations of the state stand in place of those
// of the image, which none of are left (PS3.4 section N.2).
func presented(ds, ps *dicom.DataSet, i int) *dicom.DataSet {
	out := new(dicom.DataSet)
	put := func(from *dicom.DataSet, tags ...dicom.Tag) {
		for _, t := range tags {
			if e := from.Get(t); e != nil {
				out.Put(*e)
			}
		}
	}
	for e := range ds.All() {
		group := overlayGroup(e.Tag)
		if e.Tag.Group() == 0x0028 && !slices.Contains(displayTags, e.Tag) || group >= 0 && activated(ps, dicom.Tag(group)) && !ps.Has(dict.OverlayData+dicom.Tag(group)) {
			out.Put(*e)
		}
	}
	for e := range ps.All() {
		if group := overlayGroup(e.Tag); group >= 0 && (activated(ps, dicom.Tag(group)) || isShutterGroup(ps, e.Tag)) {
			out.Put(*e)
		}
	}
	put(ps, dict.ModalityLUTSequence, dict.RescaleSlope, dict.RescaleIntercept, dict.PresentationLUTSequence, dict.PresentationLUTShape)
	put(ps, shutterTags...)
	if item := referring(ps, dict.SoftcopyVOILUTSequence, ds, i); item != nil {
		put(item, dict.WindowCenter, dict.WindowWidth, dict.VOILUTFunction, dict.VOILUTSequence)
	}
	if item := referring(ps, dict.DisplayedAreaSelectionSequence, ds, i); item != nil {
		for to, from := range map[dicom.Tag]dicom.Tag{dict.PixelSpacing: dict.PresentationPixelSpacing, dict.PixelAspectRatio: dict.PresentationPixelAspectRatio} {
			if e := item.Get(from); e != nil {
				out.Put(dicom.Element{Tag: to, VR: e.VR, Data: e.Data})
			}
		}
	}
	return out
}

// displayTags are the attributes of an image that a presentation state replaces.
var displayTags = []dicom.Tag{
	dict.ModalityLUTSequence, dict.RescaleSlope, dict.RescaleIntercept,
	dict.WindowCenter, dict.WindowWidth, dict.VOILUTFunction, dict.VOILUTSequence,
	dict.PixelSpacing, dict.PixelAspectRatio,
}

// overlayGroup returns by how much the group of an overlay's tag lies beyond
// 6000, as a difference of tags; -1 for other tags.
func overlayGroup(t dicom.Tag) int64 {
	if g := t.Group(); g >= 0x6000 && g <= 0x601E && g%2 == 0 {
		return int64(g-0x6000) << 16
	}
	return -1
}

// activated reports whether a presentation state shows an overlay (PS3.3 section
// C.11.7).
func activated(ps *dicom.DataSet, group dicom.Tag) bool {
	return ps.String(dict.OverlayActivationLayer+group) != ""
}

// isShutterGroup reports whether a tag belongs to the overlay that is a shutter.
func isShutterGroup(ps *dicom.DataSet, t dicom.Tag) bool {
	g, err := ps.Int(dict.ShutterOverlayGroup)
	return err == nil && int64(t.Group()) == g
}

// referring returns the item of a sequence of a presentation state that applies
// to frame i of the image ds: one that names it or names none.
func referring(ps *dicom.DataSet, sequence dicom.Tag, ds *dicom.DataSet, i int) *dicom.DataSet {
	for _, item := range ps.Items(sequence) {
		images := item.Items(dict.ReferencedImageSequence)
		if len(images) == 0 {
			return item.DataSet
		}
		for _, im := range images {
			frames, err := im.Ints(dict.ReferencedFrameNumber)
			if im.UID(dict.ReferencedSOPInstanceUID) == ds.UID(dict.SOPInstanceUID) &&
				(err != nil || len(frames) == 0 || slices.Contains(frames, int64(i)+1)) {
				return item.DataSet
			}
		}
	}
	return nil
}

// layout is where the pixels of a picture go: what of it is shown, and how it is
// turned (PS3.3 sections C.10.4 and C.10.6).
type layout struct {
	area      image.Rectangle // of the source; may reach beyond it
	turns     int             // quarter turns clockwise, before flip
	flip      bool            // left to right
	magnified float64         // 0 if it is not asked for
}

// layoutOf returns the layout that a presentation state asks for, nil for none.
func layoutOf(ds, ps *dicom.DataSet, i int, bounds image.Rectangle) layout {
	l := layout{area: bounds}
	if ps == nil {
		return l
	}
	if degrees, err := ps.Int(dict.ImageRotation); err == nil {
		l.turns = int(degrees/90%4+4) % 4
	}
	l.flip = ps.String(dict.ImageHorizontalFlip) == "Y"
	item := referring(ps, dict.DisplayedAreaSelectionSequence, ds, i)
	if item == nil {
		return l
	}
	a, err := item.Ints(dict.DisplayedAreaTopLeftHandCorner)
	b, err2 := item.Ints(dict.DisplayedAreaBottomRightHandCorner)
	if err == nil && err2 == nil && len(a) >= 2 && len(b) >= 2 {
		// The corners are those of the turned picture in pixels of the source,
		// from 1 on, the last one included.
		area := image.Rect(corner(a[0]), corner(a[1]), corner(b[0]), corner(b[1]))
		area.Max = area.Max.Add(image.Pt(1, 1))
		if area.Overlaps(bounds) {
			l.area = area
		}
	}
	if ratio, err := item.Float(dict.PresentationPixelMagnificationRatio); err == nil && ratio > 0 && !math.IsInf(ratio, 0) && item.String(dict.PresentationSizeMode) == "MAGNIFY" {
		l.magnified = ratio
	}
	return l
}

// maxCorner bounds how far beyond a picture a displayed area reaches.
const maxCorner = 1 << 16

func corner(v int64) int { return int(min(max(v-1, -maxCorner), maxCorner)) }
