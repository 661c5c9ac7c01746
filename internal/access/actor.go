package access

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// Actor is whoever decides something: a Session of the archive, or the command
// line of its administrator.
type Actor interface {
	Principal() policy.Principal
	// Authorise asks the policy and writes e to the trail, as done or as
	// refused. Without an error both have said yes.
	Authorise(ctx context.Context, right policy.Right, e audit.Event) error
	// Note writes e to the trail.
	Note(ctx context.Context, e audit.Event) error
}

// The errors that whoever asked has caused.
var (
	// ErrAbsent says that there is nothing of that name.
	ErrAbsent = errors.New("there is no such entry")
	// ErrSamePerson says that the second of two people is the first.
	ErrSamePerson = errors.New("somebody else has to do that: the two must be different people")
	// ErrState says that it is too late, or too early.
	ErrState = errors.New("that cannot be done any more")
)

const (
	minReason = 10  // characters
	maxReason = 500 // bytes
)

// CheckReason says what is wrong with a reason, nil if nothing is.
func CheckReason(reason string) error {
	_, err := checkReason(reason)
	return err
}

// checkReason refuses what explains nothing.
func checkReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) < minReason || len(reason) > maxReason || !utf8.ValidString(reason) {
		return "", fmt.Errorf("give a reason of %d to %d characters", minReason, maxReason)
	}
	return reason, nil
}

// newID returns a name for an entry. It tells nothing, and need not be secret.
func newID() string {
	var b [5]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// person names who acts, so that a person is the same whichever way they came.
func person(p policy.Principal) string {
	if a := p.Account(); a != "" {
		return a
	}
	return string(p.Kind) + "/" + p.Name
}

func detail(name, value string) audit.Detail { return audit.Detail{Name: name, Value: value} }
