package dicomweb

import (
	"net/http"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

var bulkResourceRoutes = []Route{
	{http.MethodGet, studyPath + "/bulkdata", "Retrieve Study Bulkdata", "PS3.18 section 10.4.1.1.5", valueForm, serveValues(false)},
	{http.MethodGet, seriesPath + "/bulkdata", "Retrieve Series Bulkdata", "PS3.18 section 10.4.1.1.5", valueForm, serveValues(false)},
	{http.MethodGet, instancePath + "/bulkdata", "Retrieve Instance Bulkdata", "PS3.18 section 10.4.1.1.5", valueForm, serveValues(false)},
	{http.MethodGet, studyPath + "/pixeldata", "Retrieve Study Pixel Data", "PS3.18 section 10.4.1.1.6", valueForm, serveValues(true)},
	{http.MethodGet, seriesPath + "/pixeldata", "Retrieve Series Pixel Data", "PS3.18 section 10.4.1.1.6", valueForm, serveValues(true)},
	{http.MethodGet, instancePath + "/pixeldata", "Retrieve Instance Pixel Data", "PS3.18 section 10.4.1.1.6", valueForm, serveValues(true)},
}

// serveValues answers all bulk values of the instances, or their pixel data
// alone, in parts that are called as the metadata calls them (PS3.18 sections
// 10.4.3.3.5 and 10.4.3.3.6). Of an instance with one value that can be had as a
// single part.
func serveValues(pixelsOnly bool) func(*exchange) error {
	return func(x *exchange) error {
		ranges, err := accepts(x.Request)
		if err != nil {
			return err
		}
		r, err := x.retrieve()
		if err != nil {
			return err
		}
		v := &valuesAnswer{exchange: x, ranges: ranges, pixelsOnly: pixelsOnly}
		for i := range r.Entries {
			if alone, err := v.entry(r, &r.Entries[i]); err != nil || alone {
				return err
			}
		}
		return v.end()
	}
}

// valuesAnswer is an answer of many bulk values.
type valuesAnswer struct {
	*exchange
	ranges     []mediaRange
	pixelsOnly bool
	parts      *parts // nil before the first
	passedOver bool   // there are values that the client does not accept
}

// entry writes the values of one instance; alone if that was all of the answer.
func (v *valuesAnswer) entry(r *archive.Retrieval, e *archive.Entry) (alone bool, err error) {
	s, err := v.open(r, e)
	if err != nil {
		return false, err
	}
	defer s.Close()
	header, err := s.header()
	if err != nil {
		return false, err
	}
	values := valuesOf(header, true, v.pixelsOnly)
	if v.level() == archive.LevelInstance && len(values) == 1 {
		return true, v.serveValue(s, &values[0])
	}
	for i := range values {
		if err := v.value(s, &values[i]); err != nil {
			return false, err
		}
	}
	return false, nil
}

// valuesOf lists the bulk values of a data set and of its sequences, or those of
// its pixel data, which lie in no sequence.
func valuesOf(ds *dicom.DataSet, top, pixelsOnly bool) (list []bulkValue) {
	for e := range ds.All() {
		isPixels := top && (e.Tag == pixelTags[0] || e.Tag == pixelTags[1] || e.Tag == pixelTags[2])
		if e.Bulk != nil && (isPixels || !pixelsOnly) {
			list = append(list, bulkValue{e.Bulk.Offset, e.Bulk.Length, e.VR, isPixels})
		}
		if pixelsOnly {
			continue
		}
		for _, item := range e.Items {
			list = append(list, valuesOf(item.DataSet, false, false)...)
		}
	}
	return list
}

// value writes one value, in the form that the client likes best.
func (v *valuesAnswer) value(s *stored, b *bulkValue) error {
	offers := []offer{{multipart: true, typ: typeBytes, byDefault: true}}
	encapsulated := b.pixels && s.syntax.Encapsulated
	if encapsulated {
		offers = frameOffers(s.syntax)
	}
	o := choose(v.ranges, offers)
	if o == nil || !o.multipart {
		v.passedOver = true
		return nil
	}
	p := v.parts
	if p == nil {
		p = v.multipart(o.typ)
	}
	var err error
	if encapsulated {
		var f *pixels
		if f, err = v.pixelsOf(s); err == nil {
			err = v.writeEncapsulated(p, s, f, o, b)
		}
	} else {
		err = v.writeValue(p, s, b)
	}
	v.parts = p
	return err
}

func (v *valuesAnswer) end() error {
	switch {
	case v.parts != nil:
		return v.parts.end()
	case v.passedOver:
		return notAcceptable("none of the acceptable media types can be had")
	}
	return &problem{Status: http.StatusNotFound, Title: "the resource has no such data"}
}
