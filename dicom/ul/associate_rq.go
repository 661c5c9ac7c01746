package ul

import (
	"errors"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
)

// The limits of an A-ASSOCIATE-RQ. Identifiers are odd numbers of one byte, so
// there is no room for more contexts (PS3.8 section 9.3.2.2); the limit of
// transfer syntaxes is ours and well above what is in use.
const (
	MaxContexts         = 128
	MaxTransferSyntaxes = 64
)

// AssociateRQ is an A-ASSOCIATE-RQ PDU (PS3.8 section 9.3.2). Its strings are
// as the peer sent them: log them escaped.
type AssociateRQ struct {
	ProtocolVersion    uint16
	Called, Calling    string // without trailing spaces
	ApplicationContext dicom.UID
	Contexts           []ProposedContext
	User               UserInformation

	names titles
}

// ProposedContext is a proposed presentation context (PS3.8 section 9.3.2.2).
type ProposedContext struct {
	ID               uint8 // odd
	AbstractSyntax   dicom.UID
	TransferSyntaxes []dicom.UID
}

var (
	errNoContexts  = errors.New("no presentation context")
	errContexts    = errors.New("more than 128 presentation contexts")
	errEvenContext = errors.New("an even presentation context ID")
	errSyntaxes    = errors.New("no or more than 64 transfer syntaxes in a presentation context")
	errNoAbstract  = errors.New("a presentation context without abstract syntax")
)

// ParseAssociateRQ reads the body of an A-ASSOCIATE-RQ PDU. Items of unknown
// types are skipped (PS3.8 section 9.3.1); items that occur too often, lengths
// that do not add up and identifiers that are even or used twice are errors.
func ParseAssociateRQ(body []byte) (*AssociateRQ, error) {
	c := cursor{b: body}
	rq := new(AssociateRQ)
	rq.ProtocolVersion, rq.names = c.fixed()
	rq.Called, rq.Calling = rq.names.called(), rq.names.calling()
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
				rq.ApplicationContext, err = parseUID(value)
			}
		case itemPresentationContextRQ:
			err = rq.addContext(value)
		case itemUserInformation:
			if err = once(&user); err == nil {
				err = rq.User.parse(value)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("A-ASSOCIATE-RQ, item %02XH: %w", kind, err)
		}
	}
	if c.err == nil && len(rq.Contexts) == 0 {
		c.err = errNoContexts
	}
	if c.err != nil {
		return nil, fmt.Errorf("A-ASSOCIATE-RQ: %w", c.err)
	}
	return rq, nil
}

func (rq *AssociateRQ) addContext(value []byte) error {
	pc, err := parseProposed(value)
	if err != nil {
		return err
	}
	if len(rq.Contexts) == MaxContexts {
		return errContexts
	}
	for i := range rq.Contexts {
		if rq.Contexts[i].ID == pc.ID {
			return errDuplicate
		}
	}
	rq.Contexts = append(rq.Contexts, pc)
	return nil
}

func parseProposed(value []byte) (pc ProposedContext, err error) {
	c := cursor{b: value}
	pc.ID = c.u8()
	c.take(3)
	abstract := false
	for {
		kind, v, more := c.item()
		if !more {
			break
		}
		switch kind {
		case itemAbstractSyntax:
			if err = once(&abstract); err == nil {
				pc.AbstractSyntax, err = parseUID(v)
			}
		case itemTransferSyntax:
			var u dicom.UID
			u, err = parseUID(v)
			pc.TransferSyntaxes = append(pc.TransferSyntaxes, u)
		}
		if err == nil && len(pc.TransferSyntaxes) > MaxTransferSyntaxes {
			err = errSyntaxes
		}
		if err != nil {
			return pc, err
		}
	}
	switch {
	case c.err != nil:
		return pc, c.err
	case pc.ID%2 == 0:
		return pc, errEvenContext
	case pc.AbstractSyntax == "":
		return pc, errNoAbstract
	case len(pc.TransferSyntaxes) == 0:
		return pc, errSyntaxes
	}
	return pc, nil
}

// Append appends the PDU.
func (rq *AssociateRQ) Append(dst []byte) ([]byte, error) {
	names, err := makeTitles(rq.Called, rq.Calling)
	if err != nil {
		return dst, fmt.Errorf("A-ASSOCIATE-RQ: %w", err)
	}
	start := len(dst)
	dst = beginAssociate(dst, PDUAssociateRQ, rq.ProtocolVersion, names)
	dst = appendItem(dst, itemApplicationContext, rq.ApplicationContext)
	for i := range rq.Contexts {
		if dst, err = rq.Contexts[i].append(dst); err != nil {
			return dst, fmt.Errorf("A-ASSOCIATE-RQ: %w", err)
		}
	}
	if dst, err = rq.User.append(dst); err != nil {
		return dst, fmt.Errorf("A-ASSOCIATE-RQ: %w", err)
	}
	return endPDU(dst, start), nil
}

func (pc *ProposedContext) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(beginItem(dst, itemPresentationContextRQ), pc.ID, 0, 0, 0)
	dst = appendItem(dst, itemAbstractSyntax, pc.AbstractSyntax)
	for _, ts := range pc.TransferSyntaxes {
		dst = appendItem(dst, itemTransferSyntax, ts)
	}
	return endItem(dst, start)
}
