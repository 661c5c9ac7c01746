package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/identity"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Manage is what the pages for administrators need beside the accounts.
type Manage struct {
	Devices *identity.Store
	DICOM   string                        // HOST:PORT where devices reach the archive
	AET     dicom.AETitle                 // the archive's own
	Contact func(device string) time.Time // when it was heard of last; zero: not since the start
	Link    func(secret string) string    // where the secret of an invitation leads
}

// problem is why a form was not accepted: Text is the key of a text, About the
// field that it is about.
type problem struct{ Text, About string }

// Error implements error, for the trail and the log.
func (p *problem) Error() string { return "not accepted: " + p.Text }

// granting has only those give rights away who sit in front of a browser and have
// signed in a moment ago: a program's token must not make itself another way in,
// and who finds a browser that is signed in must not be able to stay. What only
// takes rights away needs the browser alone (exchange.self).
func (x *exchange) granting(back string) (ok bool, err error) {
	if _, err := x.self(); err != nil {
		return false, err
	}
	if !x.isFresh() {
		x.render(http.StatusForbidden, "again", page{Title: "manage.title", Body: back})
		return false, nil
	}
	return true, nil
}

// act does what an administrator asked for, after it is in the trail; that it
// failed is written there as well.
func (x *exchange) act(e audit.Event, do func() error) error {
	if err := x.note(e); err != nil {
		return err
	}
	err := do()
	if err != nil {
		e.Outcome, e.Reason = audit.SeriousFailure, err.Error()
		err = errors.Join(err, x.note(e))
	}
	return err
}

// to leads the browser to a page after a change.
func (x *exchange) to(path string) error {
	http.Redirect(x.w, x.Request, path, http.StatusSeeOther)
	return nil
}

// scopeWords reads what a form has as a scope: a word of identity.ParseScope a line.
func scopeWords(field string) []string {
	var words []string
	for line := range strings.Lines(field) {
		if w := strings.TrimSpace(line); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// scopeText is a scope as a form has it: what narrows nothing is empty.
func scopeText(s policy.Scope) string {
	if s.Unlimited() {
		return ""
	}
	return strings.Join(identity.FormatScope(s), "\n")
}

// scopeFields names the fields of a scope, for the trail: their values can be
// Patient IDs.
func scopeFields(words []string) string {
	var fields []string
	for _, w := range words {
		key, _, _ := strings.Cut(w, "=")
		if len(fields) == 0 || fields[len(fields)-1] != key {
			fields = append(fields, key)
		}
	}
	return strings.Join(fields, "+")
}

// scopeField is the field of a form for a scope.
type scopeField struct {
	Scope string
	Bad   bool
}

func newScopeField(scope string, p *problem) scopeField {
	return scopeField{scope, p != nil && p.About == "scope"}
}
