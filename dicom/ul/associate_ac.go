package ul

import (
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
)

// ContextResult is the answer to a proposed presentation context (PS3.8 table 9-18).
type ContextResult uint8

// The results of PS3.8 table 9-18.
const (
	ContextAccepted             ContextResult = 0
	ContextUserRejection        ContextResult = 1
	ContextNoReason             ContextResult = 2
	ContextAbstractUnsupported  ContextResult = 3
	ContextTransfersUnsupported ContextResult = 4
)

// String returns the standard's words.
func (r ContextResult) String() string {
	names := [...]string{"acceptance", "user rejection", "no reason",
		"abstract syntax not supported", "transfer syntaxes not supported"}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("result %d", uint8(r))
}

// AssociateAC is an A-ASSOCIATE-AC PDU (PS3.8 section 9.3.3).
type AssociateAC struct {
	ProtocolVersion    uint16
	ApplicationContext dicom.UID
	Contexts           []AnsweredContext
	User               UserInformation

	names titles // those of the A-ASSOCIATE-RQ
}

// AnsweredContext is the answer to one presentation context (PS3.8 section 9.3.3.2).
type AnsweredContext struct {
	ID             uint8
	Result         ContextResult
	TransferSyntax dicom.UID // not significant unless accepted
}

var errAnswers = errors.New("more answers than there can be presentation contexts")

// ParseAssociateAC reads the body of an A-ASSOCIATE-AC PDU.
func ParseAssociateAC(body []byte) (*AssociateAC, error) {
	c := cursor{b: body}
	ac := new(AssociateAC)
	ac.ProtocolVersion, ac.names = c.fixed()
	var application, user bool
	for {
		kind, value, more := c.item()
		if !more {
			break
		}
		var err error
		switch kind {
		case itemApplicationContext:
			if err = once(&application); err == nil {
				ac.ApplicationContext, err = parseUID(value)
			}
		case itemPresentationContextAC:
			err = ac.addContext(value)
		case itemUserInformation:
			if err = once(&user); err == nil {
				err = ac.User.parse(value)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("A-ASSOCIATE-AC, item %02XH: %w", kind, err)
		}
	}
	if c.err != nil {
		return nil, fmt.Errorf("A-ASSOCIATE-AC: %w", c.err)
	}
	return ac, nil
}

func (ac *AssociateAC) addContext(value []byte) error {
	c := cursor{b: value}
	pc := AnsweredContext{ID: c.u8()}
	c.u8()
	pc.Result = ContextResult(c.u8())
	c.u8()
	for {
		kind, v, more := c.item()
		if !more {
			break
		}
		if kind == itemTransferSyntax && pc.Result == ContextAccepted {
			var err error
			if pc.TransferSyntax, err = parseUID(v); err != nil {
				return err
			}
		}
	}
	if c.err != nil {
		return c.err
	}
	if len(ac.Contexts) == MaxContexts {
		return errAnswers
	}
	for i := range ac.Contexts {
		if ac.Contexts[i].ID == pc.ID {
			return errDuplicate
		}
	}
	ac.Contexts = append(ac.Contexts, pc)
	return nil
}

// Append appends the PDU.
func (ac *AssociateAC) Append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = beginAssociate(dst, PDUAssociateAC, ac.ProtocolVersion, ac.names)
	dst = appendItem(dst, itemApplicationContext, ac.ApplicationContext)
	for _, pc := range ac.Contexts {
		at := len(dst)
		dst = append(beginItem(dst, itemPresentationContextAC), pc.ID, 0, byte(pc.Result), 0)
		dst = appendItem(dst, itemTransferSyntax, pc.TransferSyntax)
		dst, _ = endItem(dst, at) // a UID fits
	}
	dst, err := ac.User.append(dst)
	if err != nil {
		return dst, fmt.Errorf("A-ASSOCIATE-AC: %w", err)
	}
	return endPDU(dst, start), nil
}
