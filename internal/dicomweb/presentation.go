package dicomweb

import (
	"net/http"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// presentationStates are the SOP classes of states that pictures are made with:
// a colour one turns and cuts.
var presentationStates = []dicom.UID{dict.UIDGrayscaleSoftcopyPresentationStateStorage, dict.UIDColorSoftcopyPresentationStateStorage}

func isPresentationState(class dicom.UID) bool { return slices.Contains(presentationStates, class) }

// state is a softcopy presentation state.
type state struct {
	header *dicom.DataSet
	sum    [32]byte // of its data set
}

func (s *stored) state() (*state, error) {
	header, err := s.header()
	if err != nil {
		return nil, err
	}
	left := int64(maxTable)
	if err := s.fill(header, &left); err != nil {
		return nil, err
	}
	return &state{header, s.entry.SHA256}, nil
}

// forState refuses what a request for a presentation state may not have (PS3.18
// sections 8.3.5.1.3 and 8.3.5.1.4).
func (l *look) forState() error {
	if l.window != nil || l.source != nil {
		return bad("a presentation state has a window and an area of its own: window, and more of viewport than vw,vh, cannot be asked for")
	}
	return nil
}

// shown is an image that a presentation state applies to.
type shown struct {
	series, instance dicom.UID
	frames           []int // nil is all
}

// images returns the images that the state applies to (PS3.3 section C.11.11).
func (s *state) images() (list []shown) {
	for _, series := range s.header.Items(dict.ReferencedSeriesSequence) {
		for _, im := range series.Items(dict.ReferencedImageSequence) {
			one := shown{series: series.UID(dict.SeriesInstanceUID), instance: im.UID(dict.ReferencedSOPInstanceUID)}
			if frames, err := im.Ints(dict.ReferencedFrameNumber); err == nil {
				for _, n := range frames {
					if n > 0 && n <= 1<<30 {
						one.frames = append(one.frames, int(n))
					}
				}
			}
			list = append(list, one)
		}
	}
	return list
}

// depictState calls do with each image of the study that the presentation state
// refers to, or with the first, and with the state.
func (x *exchange) depictState(s *stored, l *look, first bool, do func(*subject, *look) error) error {
	if err := l.forState(); err != nil {
		return err
	}
	st, err := s.state()
	if err != nil {
		return err
	}
	images := st.images()
	if len(images) > maxPictures {
		return errTooManyPictures
	}
	if first {
		images = images[:min(1, len(images))]
	}
	if len(images) == 0 {
		return errNoPicture
	}
	for _, im := range images {
		err := x.depictShown(s.entry.Study, im, st, func(s *subject) error { return do(s, l) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) depictShown(study dicom.UID, im shown, st *state, do func(*subject) error) error {
	if !im.series.Tolerable() || !im.instance.Tolerable() {
		return errNoPicture
	}
	keys := instanceKeys(study, im.series, im.instance)
	r, err := x.session.Access(x.ctx(), archive.Query{Level: archive.LevelInstance, Keys: keys})
	if err != nil {
		return err
	}
	if len(r.Entries) == 0 {
		return &problem{Status: http.StatusNotFound, Title: "an image that the presentation state refers to is not here"}
	}
	s, err := x.open(r, &r.Entries[0])
	if err != nil {
		return err
	}
	defer s.Close()
	subject, err := x.subjectOf(s, st)
	if err != nil {
		return err
	}
	if im.frames != nil {
		subject.frames = im.frames
	}
	return do(subject)
}

// instanceKeys are the unique keys of an instance.
func instanceKeys(study, series, instance dicom.UID) *dicom.DataSet {
	keys := new(dicom.DataSet)
	keys.PutUID(dict.StudyInstanceUID, study)
	keys.PutUID(dict.SeriesInstanceUID, series)
	keys.PutUID(dict.SOPInstanceUID, instance)
	return keys
}
