package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/audit/report"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Every word that the trail knows is said in both languages.
func TestEveryWordOfTheTrailIsSaid(t *testing.T) {
	words := map[string][]string{"did": report.Words(), "kind": {}, "event": {}, "outcome": {}}
	for _, c := range audit.Codes() {
		words["event"] = append(words["event"], string(c))
	}
	for _, o := range []audit.Outcome{audit.Success, audit.MinorFailure, audit.SeriousFailure, audit.MajorFailure} {
		words["outcome"] = append(words["outcome"], o.String())
	}
	for _, k := range []policy.Kind{policy.Device, policy.User, policy.Token, policy.Share, policy.System} {
		words["kind"] = append(words["kind"], string(k))
	}
	known := 0
	for kind, list := range words {
		for _, word := range list {
			if _, ok := texts[kind+"."+strings.ReplaceAll(word, " ", "-")]; !ok {
				t.Errorf("there is no text for the %s %q", kind, word)
			}
			known++
		}
	}
	if known != len(trailWords) {
		t.Errorf("%d words of the trail, %d texts", known, len(trailWords))
	}
}

func TestTrailFormGoesOnWhereItWas(t *testing.T) {
	q, err := url.ParseQuery("search=1&from=2026-11-22T10:00&to=2026-11-23&who=erika&patient=P%261&study=1.2&code=query&failed=1")
	if err != nil {
		t.Fatal(err)
	}
	form := trailFormOf(q)
	f, err := form.filter()
	if err != nil || f.Principal != "erika" || f.Patient != "P&1" || f.Study != "1.2" || f.Codes[0] != audit.Query || f.MinOutcome != audit.MinorFailure ||
		!f.Since.Equal(time.Date(2026, 11, 22, 10, 0, 0, 0, time.Local)) || !f.Until.Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, time.Local)) {
		t.Errorf("%+v, %v", f, err)
	}
	next, err := url.Parse(form.further(41))
	if err != nil {
		t.Fatal(err)
	}
	again := trailFormOf(next.Query())
	if form.After = 41; again != form {
		t.Errorf("%+v became %+v", form, again)
	}
	for _, bad := range []trailForm{{From: "yesterday"}, {To: "2026-13-01"}, {Code: "coffee"}} {
		if _, err := bad.filter(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
