package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The parameters of one-time codes (RFC 6238). They are those that every
// authenticator app takes; several take no others.
const (
	totpSecret = 20 // bytes: the length of the hash (RFC 4226 section 4, R6)
	totpStep   = 30 // seconds (RFC 6238 section 5.2)
	totpDigits = 6
	totpDrift  = 1 // steps that a clock may be off, either way (RFC 6238 section 5.2)

	pendingValidity = 15 * time.Minute // of an enrolment that was begun
)

// totp is the secret of one-time codes, and the last step whose code was taken:
// a code is good once (RFC 6238 section 5.2).
type totp struct {
	Secret  []byte    `json:"secret"`
	Last    int64     `json:"last"`
	Created time.Time `json:"created"`
}

func newTOTP(now time.Time) *totp {
	t := &totp{Secret: make([]byte, totpSecret), Created: now}
	rand.Read(t.Secret) // never fails
	return t
}

// code returns the code of a step (RFC 4226 section 5.3).
func (t *totp) code(step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, t.Secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, n%1_000_000)
}

// take reports whether the code is good now, and if so remembers its step: no
// code of it or before it is good again.
func (t *totp) take(code string, now time.Time) bool {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	if len(code) != totpDigits {
		return false
	}
	current := now.Unix() / totpStep
	found := int64(-1)
	for step := current - totpDrift; step <= current+totpDrift; step++ {
		if subtle.ConstantTimeCompare([]byte(t.code(step)), []byte(code)) == 1 && step > t.Last {
			found = step
		}
	}
	if found < 0 {
		return false
	}
	t.Last = found
	return true
}

// uri returns the secret as authenticator apps read it from a QR code
// (the key URI format that they share).
func (t *totp) uri(issuer, user string) string {
	q := url.Values{"secret": {t.text()}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(user) + "?" +
		strings.ReplaceAll(q.Encode(), "+", "%20") // apps do not read + as a space
}

// text returns the secret as people type it.
func (t *totp) text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(t.Secret)
}
