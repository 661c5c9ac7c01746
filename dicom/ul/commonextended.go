package ul

import "github.com/tresor-pacs/tresor/dicom"

// CommonExtendedNegotiation is the SOP class common extended negotiation for
// one SOP class (PS3.7 section D.3.3.6). There is no answer to it.
type CommonExtendedNegotiation struct {
	SOPClass     dicom.UID
	ServiceClass dicom.UID
	Related      []dicom.UID // related general SOP classes
}

func (u *UserInformation) parseCommonExtended(value []byte) error {
	c := cursor{b: value}
	n := CommonExtendedNegotiation{SOPClass: c.uid(), ServiceClass: c.uid()}
	related := cursor{b: c.counted(), err: c.err}
	for related.err == nil && len(related.b) > 0 {
		if len(n.Related) == MaxRelatedClasses {
			return errItemTooBig
		}
		n.Related = append(n.Related, related.uid())
	}
	if related.err != nil {
		return related.err
	}
	if c.err != nil {
		return c.err
	}
	for i := range u.CommonExtended {
		if u.CommonExtended[i].SOPClass == n.SOPClass {
			return errDuplicate
		}
	}
	if len(u.CommonExtended) == maxClasses {
		return errClasses
	}
	u.CommonExtended = append(u.CommonExtended, n)
	return nil
}

func (n *CommonExtendedNegotiation) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = beginItem(dst, itemCommonExtended)
	dst, _ = appendCounted(dst, n.SOPClass)
	dst, _ = appendCounted(dst, n.ServiceClass)
	var related []byte
	for _, r := range n.Related {
		related, _ = appendCounted(related, r)
	}
	dst, err := appendCounted(dst, related)
	if err != nil {
		return dst, err
	}
	return endItem(dst, start)
}
