package survey

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// Size by windows of study dates.
const (
	pilotDays     = 8
	windowAnswers = 200 // what a window is chosen to answer at most
	maxWindows    = 60  // queries after the pilot, unless every answer is counted
	firstYear     = 1995
	dateLayout    = "20060102"
)

var errEnough = errors.New("counted enough")

// windows counts studies by date in one association.
type windows struct {
	x        *exchange
	ctx      context.Context
	limit    int64 // of answers
	answers  int64
	noImages bool // a study without a number of instances was seen
}

// count returns how many studies lie between two days, both included.
func (w *windows) count(from, to time.Time) (studies, images int64, err error) {
	keys := &dicom.DataSet{}
	err = errors.Join(
		keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY"),
		keys.PutString(dict.StudyDate, dicom.VRDA, from.Format(dateLayout)+"-"+to.Format(dateLayout)),
		keys.PutString(dict.StudyInstanceUID, dicom.VRUI),
		keys.PutString(dict.NumberOfStudyRelatedInstances, dicom.VRIS))
	if err != nil {
		return 0, 0, err
	}
	status, err := w.x.find(keys, func(data io.Reader, explicit bool) error {
		n, err := countImages(data, explicit)
		if err != nil {
			return err
		}
		studies++
		if n < 0 {
			w.noImages = true
		} else {
			images += n
		}
		if w.answers++; w.answers >= w.limit {
			return errEnough
		}
		return w.ctx.Err()
	})
	if err == nil && status != dimse.StatusSuccess {
		err = status
	}
	return studies, images, err
}

// dates performs L5 by C-FIND: a pilot of single days chooses how wide windows
// may be; then windows are counted in random order until all are (the count is
// exact then) or the limit is reached (it is a sample).
func (l *look) dates(ctx context.Context, x *exchange) {
	exact := l.p.Guard.Size() == scope.SizeExact
	w := &windows{x: x, ctx: ctx, limit: l.p.SizeLimit}
	if exact {
		w.limit = math.MaxInt64
		l.meter.lift()
	}
	first := time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC)
	days := int(time.Now().UTC().Sub(first).Hours()/24) + 2 // tomorrow, for clocks ahead
	most := int64(0)
	for range pilotDays {
		day := first.AddDate(0, 0, rand.IntN(days))
		n, _, err := w.count(day, day)
		if err != nil {
			l.sizeFailed(err, n)
			return
		}
		most = max(most, n)
	}
	l.reached(scope.L5)
	l.sample(w, first, days, windowDays(most), exact)
}

// windowDays chooses a width so that a window answers about windowAnswers. With
// pilots all zero the mean of a day is below 3/8 with 95 % confidence.
func windowDays(most int64) int {
	perDay := max(float64(most), 3.0/pilotDays)
	return max(1, int(windowAnswers/perDay))
}

func (l *look) sample(w *windows, first time.Time, days, width int, exact bool) {
	total := (days + width - 1) / width
	var studies, images []int64
	var partial int64
	for _, i := range rand.Perm(total) {
		if len(studies) >= maxWindows && !exact {
			break
		}
		from := first.AddDate(0, 0, i*width)
		to := first.AddDate(0, 0, min((i+1)*width, days)-1)
		n, m, err := w.count(from, to)
		if err != nil {
			partial = n
			break
		}
		studies, images = append(studies, n), append(images, m)
	}
	if len(studies) == 0 {
		l.sizeFailed(errEnough, partial)
		return
	}
	n, low, high := extrapolate(studies, total, partial)
	l.r.Studies = &n
	l.r.Size = &Size{Method: "dates", Exact: len(studies) == total, Low: low, High: high, Sample: w.answers,
		Note: "studies without a date, or dated before 1995, are not counted"}
	if !w.noImages {
		m, _, _ := extrapolate(images, total, 0)
		l.r.Images = &m
	}
}

// sizeFailed notes that there is no size, but for how many were seen at least.
func (l *look) sizeFailed(err error, seen int64) {
	note := "the count failed"
	if errors.Is(err, errEnough) {
		note = "more than the limit of answers in one window: a lower bound"
		l.reached(scope.L5)
		l.r.Studies = &seen
	}
	l.r.Size = &Size{Method: "dates", Low: seen, High: seen, Sample: seen, Note: note}
}

// extrapolate estimates the sum of all windows from those counted, with a 95 %
// interval (normal approximation with the finite population correction). The
// least is what has been seen, in a window that was not finished too.
func extrapolate(counted []int64, total int, partial int64) (estimate, low, high int64) {
	k := float64(len(counted))
	var sum int64
	for _, n := range counted {
		sum += n
	}
	if len(counted) == total {
		return sum, sum, sum
	}
	mean := float64(sum) / k
	var squares float64
	for _, n := range counted {
		squares += (float64(n) - mean) * (float64(n) - mean)
	}
	deviation := 0.0
	if k > 1 {
		deviation = math.Sqrt(squares/(k-1)/k) * math.Sqrt(1-k/float64(total))
	}
	seen := sum + partial
	estimate = max(int64(math.Round(mean*float64(total))), seen)
	margin := int64(math.Ceil(1.96 * deviation * float64(total)))
	return estimate, max(estimate-margin, seen), estimate + margin
}
