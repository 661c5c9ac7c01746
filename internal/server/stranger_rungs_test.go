package server

import (
	"slices"
	"testing"

	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/web"
)

// The page names each step that a stranger got an answer to, and no other.
func TestRungsNameWhatAnswers(t *testing.T) {
	open := &survey.Association{Answer: "accepted"}
	for name, c := range map[string]struct {
		got     survey.Result
		steps   int
		answers []string // the steps that were answered
		tls     string
	}{
		"closed":      {survey.Result{State: survey.Closed}, 1, nil, ""},
		"silent":      {survey.Result{State: survey.Filtered}, 1, nil, ""},
		"certificate": {survey.Result{State: survey.MutualTLS, TLS: &survey.TLSFacts{ClientCertEnforced: true}}, 5, nil, web.GotCertificate},
		"TLS alone":   {survey.Result{State: survey.NotDICOM, TLS: &survey.TLSFacts{}}, 5, nil, web.GotHandshake},
		"rejects":     {survey.Result{State: survey.Refused, Association: &survey.Association{Answer: "rejected"}}, 5, []string{web.TriedAssociate}, web.GotPlain},
		"refuses queries": {survey.Result{State: survey.Associates, Association: open, Echo: "0000H", Query: &survey.Query{Outcome: survey.QueryRefused}}, 5,
			[]string{web.TriedAssociate, web.TriedEcho}, web.GotPlain},
		"open": {survey.Result{State: survey.Queryable, Association: open, Echo: "0000H", Query: &survey.Query{Outcome: survey.QueryPermitted}}, 5,
			[]string{web.TriedAssociate, web.TriedEcho, web.TriedQuery}, web.GotPlain},
		"open on the web": {survey.Result{State: survey.WebOpen, TLS: &survey.TLSFacts{}, Web: &survey.Web{Pages: []survey.Page{
			{Path: "/", Status: 200}, {Path: "/dicom-web/studies", Status: 200, Verdict: "open"}, {Path: "/system", Status: 401, Verdict: "login"}}}}, 5,
			[]string{web.TriedPage}, web.GotHandshake},
	} {
		rungs := rungsOf(&c.got)
		var answers []string
		for _, r := range rungs {
			if r.Answered {
				answers = append(answers, r.Tried)
			}
		}
		if len(rungs) != c.steps || !slices.Equal(answers, c.answers) || len(rungs) > 1 && rungs[1].Got != c.tls {
			t.Errorf("%s: %+v", name, rungs)
		}
	}
}
