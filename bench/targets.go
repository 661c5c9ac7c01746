package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// targetTable compares with what the project aims at. Targets that this run has
// not measured are not listed.
func (r *run) targetTable(w io.Writer) {
	var rows strings.Builder
	row := func(met bool, name, figure string) {
		verdict := "missed"
		if met {
			verdict = "met"
		}
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", name, figure, verdict)
	}
	r.ingestTargets(row)
	r.otherTargets(row)
	r.webTargets(row)
	if rows.Len() > 0 {
		fmt.Fprintf(w, "## Targets\n\n| target | measured | |\n|---|---|---|\n%s\n", rows.String())
	}
}

type rowFunc func(met bool, name, figure string)

func (r *run) ingestTargets(row rowFunc) {
	compare := func(load, other string, k int, least float64, name string) {
		for _, client := range []string{ours, dcmtk} {
			we, ok := r.ingestOf("tresor", load, client, k)
			they, there := r.ingestOf(other, load, client, k)
			if ok && there {
				x := we.rate() / they.rate()
				row(x >= least, fmt.Sprintf("%s, %s", name, client), fmt.Sprintf("%.2f", x))
			}
		}
	}
	for _, load := range []string{"ct", "small", "big"} {
		compare(load, "orthanc", 4, 3, fmt.Sprintf("%s: 3 times Orthanc's objects a second at 4 associations", loadTitles[load]))
		we, ok := r.ingestOf("tresor", load, ours, 4)
		they, there := r.ingestOf("orthanc", load, ours, 4)
		if ok && there {
			x := we.cpu.Seconds() / they.cpu.Seconds()
			row(x <= 1.0/3, loadTitles[load]+": at most a third of Orthanc's CPU per GB", fmt.Sprintf("%.2f", x))
		}
		least, word := 1.0, "level with"
		if load == "big" {
			least, word = 0.8, "0.8 of"
		}
		for _, k := range []int{1, 4} {
			compare(load, "storescp-tls", k, least, fmt.Sprintf("%s: %s storescp +tls at %d associations", loadTitles[load], word, k))
		}
	}
}

func (r *run) otherTargets(row rowFunc) {
	we, ok := r.getOf("tresor")
	if they, there := r.getOf("orthanc-tls"); ok && there {
		row(we.median >= 1.5*they.median, "C-GET: 1.5 times Orthanc with TLS", fmt.Sprintf("%.2f", we.median/they.median))
	}
	for _, f := range r.found {
		if f.subject != "tresor" || f.studies != 100000 {
			continue
		}
		most := 50 * time.Millisecond
		switch f.question {
		case "patient ID":
			most = 5 * time.Millisecond
		case "a week":
			continue
		}
		row(f.p95 <= most, fmt.Sprintf("C-FIND by %s at 100,000 studies: p95 at most %d ms", f.question, most.Milliseconds()),
			fmt.Sprintf("%.1f ms", milliseconds(f.p95)))
	}
	var peak int64
	for _, i := range r.ingested {
		if i.subject == "tresor" {
			peak = max(peak, i.peak)
		}
	}
	if peak > 0 {
		row(peak <= 200<<20, "peak memory at most 200 MB", fmt.Sprintf("%d MB", peak>>20))
	}
	for _, s := range r.start {
		if s.subject == "tresor" {
			row(s.took <= 300*time.Millisecond, "start to ready at most 300 ms", fmt.Sprintf("%.0f ms", milliseconds(s.took)))
		}
	}
}
