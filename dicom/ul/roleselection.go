package ul

import "github.com/tresor-pacs/tresor/dicom"

// RoleSelection is the SCP/SCU role selection for one SOP class (PS3.7 section
// D.3.3.4): the roles that the association requestor proposes to take, or may take.
type RoleSelection struct {
	SOPClass dicom.UID
	SCU, SCP bool
}

func (u *UserInformation) parseRoleSelection(value []byte) error {
	c := cursor{b: value}
	r := RoleSelection{SOPClass: c.uid()}
	r.SCU = c.u8() != 0
	r.SCP = c.u8() != 0
	if c.err != nil {
		return c.err
	}
	if len(u.Roles) == maxClasses {
		return errClasses
	}
	if u.role(r.SOPClass) != nil {
		return errDuplicate
	}
	u.Roles = append(u.Roles, r)
	return nil
}

func (r *RoleSelection) append(dst []byte) []byte {
	start := len(dst)
	dst = beginItem(dst, itemRoleSelection)
	dst, _ = appendCounted(dst, r.SOPClass)
	dst = append(dst, bit(r.SCU), bit(r.SCP))
	dst, _ = endItem(dst, start) // a UID fits
	return dst
}

// role returns the role selection for a SOP class, nil if there is none.
func (u *UserInformation) role(class dicom.UID) *RoleSelection {
	for i := range u.Roles {
		if u.Roles[i].SOPClass == class {
			return &u.Roles[i]
		}
	}
	return nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
