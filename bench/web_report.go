package main

import (
	"fmt"
	"io"
)

func (r *run) webTable(w io.Writer) {
	if len(r.webbed) == 0 {
		return
	}
	fmt.Fprint(w, "## DICOMweb\n\nOver HTTP/1.1: tresor with TLS 1.3 and a bearer token, Orthanc plain, net/http serving plain files with the same TLS. "+
		"Answers a second, MB a second, p50 / p95 in ms, the server's CPU in ms for each answer.\n\n"+
		"| | | answers/s | MB/s | p50 / p95 | CPU each |\n|---|---|---|---|---|---|\n")
	for _, what := range names(r.webbed, func(a webResult) string { return a.what }) {
		we, have := r.webOf("tresor", what)
		for _, s := range names(r.webbed, func(a webResult) string { return a.subject }) {
			a, ok := r.webOf(s, what)
			if !ok {
				continue
			}
			show := have && s != "tresor"
			fmt.Fprintf(w, "| %s | %s | %.1f%s | %.0f | %.2f / %.2f | %.2f%s |\n", what, s, a.rate(), ratio(show, we.rate(), a.rate()),
				float64(a.bytes)/1e6/a.took.Seconds(), milliseconds(a.p50), milliseconds(a.p95),
				milliseconds(a.each()), ratio(show, a.each().Seconds(), we.each().Seconds()))
		}
	}
	fmt.Fprintln(w)
}

// webTargets compares with what the project aims at over DICOMweb.
func (r *run) webTargets(row rowFunc) {
	for _, we := range r.webbed {
		if we.subject != "tresor" {
			continue
		}
		if they, ok := r.webOf("orthanc", we.what); ok && we.what != wholeStudy && we.what != manyFrames {
			x, cpu := we.rate()/they.rate(), we.each().Seconds()/they.each().Seconds()
			row(x >= 3, we.what+": 3 times Orthanc's answers a second", fmt.Sprintf("%.2f", x))
			row(cpu <= 1.0/3, we.what+": at most a third of Orthanc's CPU", fmt.Sprintf("%.2f", cpu))
		}
		if they, ok := r.webOf("net/http", we.what); ok && (we.what == wholeStudy || we.what == manyFrames) {
			x := we.rate() / they.rate()
			row(x >= 0.6, we.what+": 60 % of net/http with plain files", fmt.Sprintf("%.2f", x))
		}
	}
}
