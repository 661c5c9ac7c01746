package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tresor-pacs/tresor/internal/access"
)

// How long a page looks through the archive or the trail, and waits for the
// archive to carry out what was decided. What takes longer is said to be
// incomplete, or still under way.
const (
	lookPatience  = 10 * time.Second
	orderPatience = 3 * time.Second
)

// register returns what is decided about principals and studies; a site without
// one does not have the pages.
func (x *exchange) register() (*access.Register, error) {
	if x.site.Shares == nil {
		return nil, errAbsent
	}
	return x.site.Shares.Register, nil
}

// broken returns the text for a rule that stopped what was asked for, "" for
// another error.
func broken(err error) string {
	switch {
	case errors.Is(err, access.ErrSamePerson):
		return "privacy.same"
	case errors.Is(err, access.ErrState):
		return "privacy.late"
	}
	return ""
}

// settle answers what came of a decision: it leads on to a page, or has again show
// the form with the rule that stands against it; again is nil where none can.
func (x *exchange) settle(err error, to string, again func(code int, problem string) error) error {
	switch problem := broken(err); {
	case err == nil:
		http.Redirect(x.w, x.Request, to, http.StatusSeeOther)
		return nil
	case problem != "" && again != nil:
		return again(http.StatusConflict, problem)
	case errors.Is(err, access.ErrAbsent):
		return errAbsent
	}
	return err
}

// await gives the archive a moment to carry out what was decided.
func await(ctx context.Context, done func() bool) {
	ctx, cancel := context.WithTimeout(ctx, orderPatience)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}
