package identity

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	webTimeout = 10 * time.Second
	maxWeb     = 1 << 20 // bytes of an answer
)

// webClient is how the provider is spoken to: with time limits, short answers,
// and no redirects, which would carry secrets elsewhere.
type webClient struct{ client *http.Client }

func newWebClient(cas *x509.CertPool) *webClient {
	c := base()
	c.RootCAs = cas
	return &webClient{&http.Client{
		Timeout:       webTimeout,
		Transport:     bounded{&http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, MaxConnsPerHost: 8}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// in returns a context in which the libraries use the client.
func (w *webClient) in(ctx context.Context) context.Context { return oidc.ClientContext(ctx, w.client) }

// bounded cuts answers that are too long.
type bounded struct{ next http.RoundTripper }

// RoundTrip does one request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxWeb), res.Body}
	return res, nil
}

// randomText returns 256 random bits as text.
func randomText() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
