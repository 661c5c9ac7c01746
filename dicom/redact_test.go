package dicom

import (
	"log/slog"
	"strings"
	"testing"
)

func TestLogsHaveNoValues(t *testing.T) {
	ds := with(VRLO, "SECRET")
	for _, handler := range []func(*strings.Builder) slog.Handler{
		func(w *strings.Builder) slog.Handler { return slog.NewTextHandler(w, nil) },
		func(w *strings.Builder) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var w strings.Builder
		slog.New(handler(&w)).Info("test", "dataset", ds, "element", ds.Get(tagText), "none", (*Element)(nil))
		if got := w.String(); strings.Contains(got, "SECRET") || !strings.Contains(got, "0010,0020") {
			t.Error(got)
		}
	}
}
