package ul

import (
	"errors"

	"github.com/tresor-pacs/tresor/dicom"
)

// maxClasses bounds the items of one kind that are about a SOP class each. There
// may be more of them than contexts: DCMTK sends all that it knows of.
const maxClasses = 512

// MaxRelatedClasses bounds the related general SOP classes of one item.
const MaxRelatedClasses = 256

// UserInformation is the user information item (PS3.8 annex D, PS3.7 section
// D.3.3).
type UserInformation struct {
	// MaxLength is the longest P-DATA-TF body that the sender of the item takes;
	// 0 means any (PS3.8 section D.1).
	MaxLength              uint32
	ImplementationClassUID dicom.UID
	ImplementationVersion  string // up to 16 characters, "" for none
	AsyncOperations        *AsyncOperations
	Roles                  []RoleSelection
	Extended               []ExtendedNegotiation
	CommonExtended         []CommonExtendedNegotiation // RQ only
	Identity               *UserIdentity               // RQ only
	IdentityResponse       *UserIdentityResponse       // AC only
}

var errClasses = errors.New("more than 512 items of one kind")

var errVersionName = errors.New("an implementation version name of more than 16 characters")

// parse reads the sub-items. Unknown ones are skipped. An item's length field
// bounds the whole to 65,535 bytes, user identity and all.
func (u *UserInformation) parse(value []byte) error {
	c := cursor{b: value}
	var length, class, version bool
	for {
		kind, v, more := c.item()
		if !more {
			return c.err
		}
		var err error
		switch kind {
		case itemMaximumLength:
			if err = once(&length); err == nil {
				u.MaxLength, err = parseMaximumLength(v)
			}
		case itemImplementationClassUID:
			if err = once(&class); err == nil {
				u.ImplementationClassUID, err = parseUID(v)
			}
		case itemImplementationVersion:
			if err = once(&version); err == nil {
				u.ImplementationVersion, err = parseImplementationVersion(v)
			}
		case itemAsyncOperations:
			err = u.parseAsyncOperations(v)
		case itemRoleSelection:
			err = u.parseRoleSelection(v)
		case itemExtendedNegotiation:
			err = u.parseExtended(v)
		case itemCommonExtended:
			err = u.parseCommonExtended(v)
		case itemUserIdentityRQ:
			err = u.parseUserIdentity(v)
		case itemUserIdentityAC:
			err = u.parseUserIdentityResponse(v)
		}
		if err != nil {
			return err
		}
	}
}

// append appends the item with what is set in u.
func (u *UserInformation) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = beginItem(dst, itemUserInformation)
	dst = appendMaximumLength(dst, u.MaxLength)
	dst = appendItem(dst, itemImplementationClassUID, u.ImplementationClassUID)
	if u.AsyncOperations != nil {
		dst = u.AsyncOperations.append(dst)
	}
	for i := range u.Roles {
		dst = u.Roles[i].append(dst)
	}
	if len(u.ImplementationVersion) > maxVersionName {
		return dst, errVersionName
	}
	if u.ImplementationVersion != "" {
		dst = appendItem(dst, itemImplementationVersion, u.ImplementationVersion)
	}
	var err error
	for i := range u.Extended {
		if dst, err = u.Extended[i].append(dst); err != nil {
			return dst, err
		}
	}
	for i := range u.CommonExtended {
		if dst, err = u.CommonExtended[i].append(dst); err != nil {
			return dst, err
		}
	}
	if u.Identity != nil {
		if dst, err = u.Identity.append(dst); err != nil {
			return dst, err
		}
	}
	if u.IdentityResponse != nil {
		if dst, err = u.IdentityResponse.append(dst); err != nil {
			return dst, err
		}
	}
	return endItem(dst, start)
}
