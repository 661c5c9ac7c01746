package ul

import "github.com/tresor-pacs/tresor/dicom"

// ExtendedNegotiation is the SOP class extended negotiation for one SOP class
// (PS3.7 section D.3.3.5). What Information means is the service class's affair.
type ExtendedNegotiation struct {
	SOPClass    dicom.UID
	Information []byte
}

func (u *UserInformation) parseExtended(value []byte) error {
	c := cursor{b: value}
	e := ExtendedNegotiation{SOPClass: c.uid()}
	e.Information = c.take(len(c.b))
	if c.err != nil {
		return c.err
	}
	if len(u.Extended) == maxClasses {
		return errClasses
	}
	if u.extended(e.SOPClass) != nil {
		return errDuplicate
	}
	u.Extended = append(u.Extended, e)
	return nil
}

func (e *ExtendedNegotiation) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, err := appendCounted(beginItem(dst, itemExtendedNegotiation), e.SOPClass)
	if err != nil {
		return dst, err
	}
	return endItem(append(dst, e.Information...), start)
}

// extended returns the extended negotiation for a SOP class, nil if there is none.
func (u *UserInformation) extended(class dicom.UID) *ExtendedNegotiation {
	for i := range u.Extended {
		if u.Extended[i].SOPClass == class {
			return &u.Extended[i]
		}
	}
	return nil
}
