package server_test

import (
	"testing"

	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// TestViewerInABrowser goes the whole way with the archive as it runs: a link to
// a study, the sign-in, the study's picture in the viewer, and back to the list.
func TestViewerInABrowser(t *testing.T) {
	r := start(t)
	r.person(t, "erika", policy.Radiologist)
	known := r.surfer(t)
	known.signIn("erika", "/")
	if a, _ := known.do("GET", "/viewer", nil); a.StatusCode == 501 {
		t.Skip("the viewer is not packed into this build: make viewer")
	}
	secret, _ := r.user(t, "robot", policy.Technologist)
	uids := r.browser(t, secret).fill(synth.Options{Number: 1, Patient: 1, Modalities: []string{"CT", "MR"}, Count: 4})
	w := r.window(t)
	w.look(1280, 800, "dark")
	w.open("/viewer?StudyInstanceUIDs=" + uids[0])
	w.until("the sign-in", "document.activeElement && document.activeElement.id === 'name'")
	w.typed("#name", "erika")
	w.typed("#password", goodPassword+"\r")
	w.until("the viewer", "location.pathname === '/viewer'")
	w.until("a picture", `(() => { const c = document.querySelector('canvas.cornerstone-canvas'); return c && c.width &&
		c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 < 3 && v > 100) })()`)
	w.until("what it is not for", "document.body.innerText.includes('Not for primary diagnosis')")
	w.keep("viewer")
	w.run("[...document.querySelectorAll('a')].find(a => a.textContent.includes('Study list')).click()")
	w.until("the study list", "location.pathname === '/' && document.querySelector('#results')")
	w.clean()
}
