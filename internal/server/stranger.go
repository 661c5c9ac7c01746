package server

import (
	"context"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey"
	"github.com/tresor-pacs/tresor/internal/web"
)

// stranger is what the pages show of the looks that the archive takes at itself.
func (s *Server) stranger() *web.Stranger {
	return &web.Stranger{Every: time.Duration(s.config.SelfSurvey), Again: s.surveyAgain, Last: func() []web.Looked {
		return []web.Looked{s.lookedAs("dicom", "DICOM", s.at.DICOM), s.lookedAs("https", "HTTPS", s.at.HTTPS)}
	}}
}

// surveyAgain has the archive look at itself now, and returns when it has.
func (s *Server) surveyAgain(ctx context.Context) {
	done := make(chan struct{})
	select {
	case s.lookAgain <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (s *Server) lookedAs(name, what, address string) web.Looked {
	last := s.looked.at(name)
	l := web.Looked{What: what, Address: address, When: last.when, Answers: last.answers}
	if last.got == nil {
		return l
	}
	l.Rungs = rungsOf(last.got)
	if last.answers { // what is said of a listener that answers nothing is about its TLS
		for _, f := range last.got.Findings {
			l.Findings = append(l.Findings, web.Finding{ID: f.ID, Title: f.Title, Remedy: f.Remedy})
		}
	}
	return l
}

// rungsOf tells step by step what a stranger got.
func rungsOf(r *survey.Result) []web.Rung {
	connected := web.Rung{Tried: web.TriedConnect, Got: web.GotConnection}
	if r.State == survey.Closed || r.State == survey.Filtered {
		connected.Got = web.GotNothing
		return []web.Rung{connected}
	}
	rungs := []web.Rung{connected, tlsRung(r.TLS)}
	if r.Web != nil {
		return append(rungs, pageRungs(r.Web)...)
	}
	return append(rungs, associationRung(r.Association), echoRung(r), queryRung(r.Query))
}

func tlsRung(t *survey.TLSFacts) web.Rung {
	rung := web.Rung{Tried: web.TriedTLS, Got: web.GotPlain}
	switch {
	case t != nil && t.ClientCertEnforced:
		rung.Got = web.GotCertificate
	case t != nil:
		rung.Got = web.GotHandshake
	}
	return rung
}

func associationRung(a *survey.Association) web.Rung {
	rung := web.Rung{Tried: web.TriedAssociate, Got: web.GotUnreached}
	if a != nil {
		rung.Got, rung.Detail, rung.Answered = web.GotAnswer, a.Answer, true // a rejection is an answer
	}
	return rung
}

func echoRung(r *survey.Result) web.Rung {
	rung := web.Rung{Tried: web.TriedEcho, Got: web.GotUnreached}
	if r.Echo != "" {
		rung.Got, rung.Detail, rung.Answered = web.GotAnswer, r.Echo, true
	}
	return rung
}

func queryRung(q *survey.Query) web.Rung {
	rung := web.Rung{Tried: web.TriedQuery, Got: web.GotUnreached}
	switch {
	case q == nil:
	case q.Outcome == survey.QueryRefused:
		rung.Got, rung.Detail = web.GotRefused, q.Status
	default:
		rung.Got, rung.Detail, rung.Answered = web.GotAnswer, q.Status, true
	}
	return rung
}

// pageRungs tells what came of each page that was asked for.
func pageRungs(w *survey.Web) []web.Rung {
	var rungs []web.Rung
	for _, p := range w.Pages {
		rung := web.Rung{Tried: web.TriedPage, Got: web.GotUnknown, Detail: fmt.Sprintf("%s: %d", p.Path, p.Status)}
		switch {
		case p.Verdict == "open":
			rung.Got, rung.Answered = web.GotAnswer, true
		case p.Verdict != "":
			rung.Got = web.GotLogin
		}
		rungs = append(rungs, rung)
	}
	return rungs
}
