package survey

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"unicode"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// Who we say that we are. The UID is the survey's own and does not change.
const (
	ImplementationClassUID dicom.UID     = "2.25.272183132565739440791385075232459250293"
	ImplementationVersion  string        = "TRESOR_SURVEY_1"
	CallingAE              dicom.AETitle = "TRESORSURVEY"
	// CalledAE is what is called unless the scope says another: no title is
	// guessed, and this one is used by other tools in the same way.
	CalledAE dicom.AETitle = "ANY-SCP"
)

// Names of the six contexts.
const (
	contextEcho     = "verification"
	contextFind     = "study-find"
	contextMove     = "study-move"
	contextGet      = "study-get"
	contextStore    = "storage"
	contextWorklist = "worklist-find"
)

// contexts are all that is ever proposed.
var contexts = []struct {
	name  string
	class dicom.UID
}{
	{contextEcho, dict.UIDVerification},
	{contextFind, dict.UIDStudyRootQueryRetrieveInformationModelFind},
	{contextMove, dict.UIDStudyRootQueryRetrieveInformationModelMove},
	{contextGet, dict.UIDStudyRootQueryRetrieveInformationModelGet},
	{contextStore, dict.UIDCTImageStorage},
	{contextWorklist, dict.UIDModalityWorklistInformationModelFind},
}

func proposals() []ul.ProposedContext {
	out := make([]ul.ProposedContext, len(contexts))
	for i, c := range contexts {
		out[i] = ul.ProposedContext{AbstractSyntax: c.class,
			TransferSyntaxes: []dicom.UID{dict.UIDExplicitVRLittleEndian, dict.UIDImplicitVRLittleEndian}}
	}
	return out
}

// associate requests the one association over conn (L2), climbs further in it if
// it was accepted, and releases it. It takes the connection.
func (l *look) associate(ctx context.Context, conn net.Conn) (heard, error) {
	t := &tap{Conn: conn}
	a, err := ul.Request(ctx, t, ul.RequestOptions{
		Options: ul.Options{MaxPDU: 16 << 10, ARTIM: l.p.Timeout, Idle: l.p.Timeout, WriteTimeout: l.p.Timeout,
			ImplementationClassUID: ImplementationClassUID, ImplementationVersion: ImplementationVersion},
		Calling: l.p.calling(), Called: l.p.called(), Contexts: proposals()})
	h := t.heard(err)
	if h != heardDICOM {
		if a != nil {
			a.Abort()
			a.Close()
		}
		return h, err
	}
	l.reached(scope.L2)
	out := &Association{Raw: t.pdu(), RequestSHA256: sum(t.sent)}
	l.r.Association = out
	if err != nil {
		out.refused(err)
		return h, nil
	}
	defer a.Close()
	defer abortOn(ctx, a)()
	out.accept(a.Answer())
	l.climb(ctx, &exchange{a: a})
	if a.Err() == nil {
		a.Release(ctx)
	}
	return h, nil
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func (a *Association) accept(ac *ul.AssociateAC) {
	a.Answer = "accepted"
	a.Contexts = map[string]string{}
	for i, c := range contexts {
		a.Contexts[c.name] = "not answered"
		for _, answer := range ac.Contexts {
			if int(answer.ID) == 2*i+1 {
				a.Contexts[c.name] = contextWord(answer.Result)
			}
		}
	}
	a.Implementation = printable(string(ac.User.ImplementationClassUID), 64)
	a.VersionName = printable(ac.User.ImplementationVersion, 16)
	a.MaxPDU = ac.User.MaxLength
}

func contextWord(r ul.ContextResult) string {
	if r == ul.ContextAccepted {
		return "accepted"
	}
	return fmt.Sprintf("refused (%d)", r)
}

// printable makes a word of the host harmless: what is no printable ASCII
// becomes a question mark.
func printable(s string, limit int) string {
	s = strings.Map(func(c rune) rune {
		if c > unicode.MaxASCII || !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
	return strings.TrimSpace(s[:min(len(s), limit)])
}

func (a *Association) refused(err error) {
	var reject *ul.RejectError
	if errors.As(err, &reject) {
		a.Answer = "rejected"
		a.Reject = fmt.Sprintf("%d/%d/%d", reject.Result, reject.Source, reject.Reason)
		a.Meaning = rejectMeaning(reject)
		a.transient = reject.Result == ul.RejectedTransient
		return
	}
	a.Answer = "aborted"
}

// rejectMeaning says what a rejection tells, which is less than it says: dcmqrscp
// answers "called AE title" when the caller is the problem.
func rejectMeaning(e *ul.RejectError) string {
	switch (ul.RejectError{Result: 1, Source: e.Source, Reason: e.Reason}) {
	case *ul.RejectCalling:
		return "it keeps a list of callers, which can be forged"
	case *ul.RejectCalled:
		return "it checks the called or the calling AE title, both of which can be guessed"
	}
	if e.Result == ul.RejectedTransient {
		return "it is busy: it was not asked again"
	}
	return "it does not say why"
}

// reached notes the highest rung that was answered.
func (l *look) reached(rung scope.Level) { l.r.Rung = max(l.r.Rung, rung) }

// climb goes from L3 on, in the association.
func (l *look) climb(ctx context.Context, x *exchange) {
	a := l.r.Association
	if l.level < scope.L3 {
		return
	}
	if a.accepted(contextEcho) && !l.echo(x) {
		return
	}
	if l.level < scope.L4 || !a.accepted(contextFind) {
		return
	}
	l.query(x)
	if l.level >= scope.L5 && l.r.Query.Outcome == QueryPermitted && x.a.Err() == nil {
		l.dates(ctx, x)
	}
}
