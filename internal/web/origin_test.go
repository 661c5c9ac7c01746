package web

import "testing"

func TestLocalPathsAloneAreReturnedTo(t *testing.T) {
	for next, want := range map[string]string{
		"/viewer?StudyInstanceUIDs=1.2.3": "/viewer?StudyInstanceUIDs=1.2.3",
		"/?name=M%C3%BCller&limit=50":     "/?name=M%C3%BCller&limit=50",
		"//evil.example":                  "/",
		"/%2f/evil.example":               "/",
		"///evil.example":                 "/",
		"https://evil.example/":           "/",
		`/\evil.example`:                  "/",
		"/\t/evil.example":                "/",
		"/\r\nSet-Cookie:x":               "/",
		"javascript:alert(1)":             "/",
		"evil":                            "/",
		"":                                "/",
		"/login?next=/":                   "/",
		"/logout":                         "/",
		"/setup/x":                        "/",
	} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
}

func TestAcceptLanguage(t *testing.T) {
	for header, want := range map[string]string{
		"": "en", "de": "de", "de-AT,de;q=0.9,en;q=0.8": "de", "fr,en;q=0.5,de;q=0.7": "de",
		"en-GB, de": "en", "de;q=0, en;q=0.1": "en", "fr": "en", "DE": "de", "de;q=x": "en",
	} {
		if got := accepted(header); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}
