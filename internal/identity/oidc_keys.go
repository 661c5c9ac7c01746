package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keySet are the keys with which the provider signs (RFC 7517). They are kept
// for a while, asked for again when they are old or a token names a key that is
// not among them, and never more often than keysPause: strangers can make us
// look at their tokens, and must not make us ask the provider for each.
type keySet struct {
	url string
	web *webClient
	now func() time.Time

	mu    sync.RWMutex
	keys  []jose.JSONWebKey
	got   time.Time // when keys came
	fetch sync.Mutex
	asked time.Time // when the provider was asked last; under fetch
}

const (
	keysPause = 30 * time.Second // between two questions
	keysFresh = 15 * time.Minute // after which they are asked for again
	keysGood  = time.Hour        // after which they are not used, if the provider does not answer
	maxKeys   = 64
	minRSA    = 2048 // bits
)

var signatureAlgorithms = func() (list []jose.SignatureAlgorithm) {
	for _, a := range algorithms {
		list = append(list, jose.SignatureAlgorithm(a))
	}
	return list
}()

// VerifySignature returns the payload of a token that one of the keys has signed.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, signatureAlgorithms)
	if err != nil {
		return nil, fmt.Errorf("the token is not signed as it must be: %w", err)
	}
	header := signed.Signatures[0].Protected
	keys, fresh := s.known()
	if !fresh || len(candidates(keys, header)) == 0 {
		if keys, err = s.ask(ctx); err != nil {
			return nil, err
		}
	}
	for _, k := range candidates(keys, header) {
		if payload, err := signed.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("no key of the provider has signed the token")
}

// candidates returns the keys that a header can mean. One key does one
// algorithm, where it says so (RFC 8725 section 3.1).
func candidates(keys []jose.JSONWebKey, h jose.Header) (list []jose.JSONWebKey) {
	for _, k := range keys {
		if (h.KeyID == "" || k.KeyID == h.KeyID) && (k.Algorithm == "" || k.Algorithm == h.Algorithm) {
			list = append(list, k)
		}
	}
	return list
}

func (s *keySet) known() (keys []jose.JSONWebKey, fresh bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys, s.now().Sub(s.got) < keysFresh
}

// ask asks the provider for its keys, if it was not asked a moment ago, and
// returns those that may be used.
func (s *keySet) ask(ctx context.Context) ([]jose.JSONWebKey, error) {
	s.fetch.Lock()
	defer s.fetch.Unlock()
	var err error
	if now := s.now(); now.Sub(s.asked) >= keysPause {
		s.asked = now
		var keys []jose.JSONWebKey
		if keys, err = s.load(ctx); err == nil {
			s.mu.Lock()
			s.keys, s.got = keys, now
			s.mu.Unlock()
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.now().Sub(s.got) < keysGood {
		return s.keys, nil
	}
	if err == nil {
		err = errors.New("it was asked a moment ago")
	}
	return nil, fmt.Errorf("ask the provider for its keys: %w", err)
}

func (s *keySet) load(ctx context.Context) ([]jose.JSONWebKey, error) {
	// Others wait for the answer: it is not to depend on who asked first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), webTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.web.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	b, err := io.ReadAll(res.Body) // webClient bounds it
	if err != nil {
		return nil, err
	}
	return parseKeys(b)
}

// parseKeys returns the keys that can verify signatures. Others, such as those of
// kinds that are not known here, are passed over (RFC 7517 section 5).
func parseKeys(b []byte) (keys []jose.JSONWebKey, err error) {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if err := json.Unmarshal(raw, &k); err == nil && usable(&k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

func usable(k *jose.JSONWebKey) bool {
	if !k.Valid() || k.Use != "" && k.Use != "sig" {
		return false
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= minRSA
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false // a secret shared with the provider, or a private key
}
