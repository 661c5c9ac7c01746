package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"

	"github.com/tresor-pacs/tresor/internal/survey"
)

type object = map[string]any

// SARIF writes the findings as SARIF 2.1.0 (OASIS). With an earlier survey each
// result says whether it is new, unchanged or absent; before may be nil.
func SARIF(w io.Writer, s, before *Survey) error {
	var rules []object
	for _, r := range survey.Rules {
		rules = append(rules, object{"id": r.ID, "shortDescription": object{"text": r.Title}, "help": object{"text": r.Remedy},
			"defaultConfiguration": object{"level": level(r.Severity)},
			"properties":           object{"security-severity": fmt.Sprintf("%.1f", r.Severity), "tags": []string{"security"}}})
	}
	old := map[string]bool{}
	if before != nil {
		for _, e := range before.Systems {
			for _, f := range result(e).Findings {
				old[FindingID(e, f)] = true
			}
		}
	}
	results := []object{}
	now := map[string]bool{}
	looked := map[netip.AddrPort]bool{}
	for _, e := range s.Systems {
		looked[at(e)] = true
		for _, f := range result(e).Findings {
			id := FindingID(e, f)
			now[id] = true
			o := sarifResult(e, f, id)
			if before != nil {
				o["baselineState"] = map[bool]string{true: "unchanged", false: "new"}[old[id]]
			}
			results = append(results, o)
		}
	}
	if before != nil {
		for _, e := range before.Systems {
			for _, f := range result(e).Findings {
				if id := FindingID(e, f); looked[at(e)] && !now[id] {
					o := sarifResult(e, f, id)
					o["baselineState"] = "absent"
					results = append(results, o)
				}
			}
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(object{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []object{{"tool": object{"driver": object{"name": "tresor survey",
			"informationUri": "https://github.com/tresor-pacs/tresor", "rules": rules}}, "results": results}}})
}

func level(severity float64) string {
	switch {
	case severity >= 7:
		return "error"
	case severity >= 3:
		return "warning"
	}
	return "note"
}

func sarifResult(e *survey.Envelope, f survey.Finding, id string) object {
	text := f.Title + "."
	if f.Detail != "" {
		text += " " + f.Detail + "."
	}
	index, sev := -1, 0.0
	for i, r := range survey.Rules {
		if r.ID == f.ID {
			index, sev = i, r.Severity
		}
	}
	uri := "dicom://" + at(e).String()
	return object{"ruleId": f.ID, "ruleIndex": index, "level": level(sev), "message": object{"text": text},
		"locations":           []object{{"logicalLocations": []object{{"fullyQualifiedName": uri, "kind": "resource"}}}},
		"partialFingerprints": object{"finding/v1": id},
		"properties":          object{"state": result(e).State, "severity": result(e).Severity, "vector": result(e).Vector}}
}
