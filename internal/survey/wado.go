package survey

import (
	"context"
	"net/http"
)

// wadoPaths are where known archives serve WADO-URI.
var wadoPaths = []string{"/wado", "/dcm4chee-arc/aets/DCM4CHEE/wado"}

// wadoNothing is what is asked there: a request of a type that there is not, for
// no object. It must be answered as a bad one (PS3.18 section 9.1.2.1.1), so it
// tells that the service is there, and can retrieve nothing.
const wadoNothing = "?requestType=NONE"

// wado performs L4 for WADO-URI: is it there, and does it want a login? Whether
// it would give objects is not tried.
func (b *browser) wado(ctx context.Context, control answer) {
	for _, path := range wadoPaths {
		a, ok := b.get(ctx, path+wadoNothing, "*/*")
		if !ok {
			return
		}
		switch {
		case a.status == http.StatusBadRequest && control.status != http.StatusBadRequest:
			b.out.Answers = "WADO-URI"
			b.page(path, a, "answers")
			return
		case a.loginWanted() && !control.loginWanted():
			b.out.Login = true
			b.page(path, a, "login")
			return
		}
	}
}
