package survey_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/report"
)

// papers writes letters, sheets and the report as PDF, and their text beside
// them: what a PDF holds is packed.
func papers(t *testing.T, dir string, s *report.Survey) {
	t.Helper()
	pdf := func(name string, write func(io.Writer) error) {
		f, err := os.Create(filepath.Join(dir, name+".pdf"))
		if err == nil {
			err = errors.Join(write(f), f.Close())
		}
		if err != nil {
			t.Error(err)
			return
		}
		if path, err := exec.LookPath("pdftotext"); err != nil {
			t.Log("pdftotext (Debian: poppler-utils) is missing: the text of PDF files was not searched")
		} else if out, err := exec.Command(path, f.Name()).CombinedOutput(); err != nil {
			t.Errorf("pdftotext: %v: %s", err, out)
		}
	}
	pdf("report", func(w io.Writer) error { return report.PDF(w, s, report.Options{Before: s, Made: time.Now()}) })
	for _, make := range []func(*report.Survey, report.Language, time.Time) ([]*report.Paper, error){report.Letters, report.Sheets} {
		for _, language := range report.Languages {
			list, err := make(s, language, time.Now())
			if err != nil || len(list) == 0 {
				t.Errorf("%d papers, %v", len(list), err)
			}
			for _, p := range list {
				pdf(p.Name, p.PDF)
				if err := os.WriteFile(filepath.Join(dir, p.Name+".plain"), []byte(p.Text), 0o600); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
