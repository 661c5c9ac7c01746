package ul

import "errors"

// IdentityType is a kind of user identity (PS3.7 table D.3-14).
type IdentityType uint8

// The kinds of PS3.7 table D.3-14.
const (
	IdentityUsername IdentityType = 1
	IdentityPasscode IdentityType = 2 // user name and passcode
	IdentityKerberos IdentityType = 3
	IdentitySAML     IdentityType = 4
	IdentityJWT      IdentityType = 5
)

// UserIdentity is the user identity that a requestor gives (PS3.7 section
// D.3.3.7.1). It holds secrets: never log it.
type UserIdentity struct {
	Type           IdentityType
	ResponseWanted bool
	Primary        []byte // user name, ticket, assertion or token
	Secondary      []byte // the passcode
}

// UserIdentityResponse is the server's answer (PS3.7 section D.3.3.7.2).
type UserIdentityResponse struct{ Response []byte }

var errIdentity = errors.New("a user identity whose lengths do not add up")

func (u *UserInformation) parseUserIdentity(value []byte) error {
	if u.Identity != nil {
		return errDuplicate
	}
	c := cursor{b: value}
	id := &UserIdentity{Type: IdentityType(c.u8()), ResponseWanted: c.u8() != 0}
	id.Primary = c.counted()
	id.Secondary = c.counted()
	if c.err != nil {
		return errIdentity
	}
	u.Identity = id
	return nil
}

func (id *UserIdentity) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(beginItem(dst, itemUserIdentityRQ), byte(id.Type), bit(id.ResponseWanted))
	dst, err := appendCounted(dst, id.Primary)
	if err != nil {
		return dst, err
	}
	if dst, err = appendCounted(dst, id.Secondary); err != nil {
		return dst, err
	}
	return endItem(dst, start)
}

func (u *UserInformation) parseUserIdentityResponse(value []byte) error {
	if u.IdentityResponse != nil {
		return errDuplicate
	}
	c := cursor{b: value}
	r := &UserIdentityResponse{Response: c.counted()}
	if c.err != nil {
		return errIdentity
	}
	u.IdentityResponse = r
	return nil
}

func (r *UserIdentityResponse) append(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, err := appendCounted(beginItem(dst, itemUserIdentityAC), r.Response)
	if err != nil {
		return dst, err
	}
	return endItem(dst, start)
}
