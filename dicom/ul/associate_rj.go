package ul

import "fmt"

// RejectError is an A-ASSOCIATE-RJ PDU, received or to be sent (PS3.8 section
// 9.3.4).
type RejectError struct {
	Result RejectResult
	Source RejectSource
	Reason RejectReason
}

// RejectResult tells whether trying again makes sense.
type RejectResult uint8

// RejectSource tells who rejected, and which list the reason is from.
type RejectSource uint8

// RejectReason is a reason from the list of its source.
type RejectReason uint8

// The values of PS3.8 table 9-21.
const (
	RejectedPermanent RejectResult = 1
	RejectedTransient RejectResult = 2

	RejectedByUser         RejectSource = 1
	RejectedByACSE         RejectSource = 2
	RejectedByPresentation RejectSource = 3

	// Reasons of RejectedByUser.
	ReasonNoneGiven                 RejectReason = 1
	ReasonApplicationContextUnknown RejectReason = 2
	ReasonCallingUnknown            RejectReason = 3
	ReasonCalledUnknown             RejectReason = 7

	// Reasons of RejectedByACSE, beside ReasonNoneGiven.
	ReasonProtocolVersion RejectReason = 2

	// Reasons of RejectedByPresentation.
	ReasonCongestion RejectReason = 1
	ReasonLocalLimit RejectReason = 2
)

// The rejections that a server needs.
var (
	RejectCalling    = &RejectError{RejectedPermanent, RejectedByUser, ReasonCallingUnknown}
	RejectCalled     = &RejectError{RejectedPermanent, RejectedByUser, ReasonCalledUnknown}
	RejectNoReason   = &RejectError{RejectedPermanent, RejectedByUser, ReasonNoneGiven}
	RejectLimit      = &RejectError{RejectedTransient, RejectedByPresentation, ReasonLocalLimit}
	RejectCongestion = &RejectError{RejectedTransient, RejectedByPresentation, ReasonCongestion}

	rejectVersion     = &RejectError{RejectedPermanent, RejectedByACSE, ReasonProtocolVersion}
	rejectApplication = &RejectError{RejectedPermanent, RejectedByUser, ReasonApplicationContextUnknown}
)

var rejectReasons = map[[2]uint8]string{
	{1, 1}: "no reason given", {1, 2}: "application context name not supported",
	{1, 3}: "calling AE title not recognized", {1, 7}: "called AE title not recognized",
	{2, 1}: "no reason given", {2, 2}: "protocol version not supported",
	{3, 1}: "temporary congestion", {3, 2}: "local limit exceeded",
}

// Error tells the three values and what they mean.
func (e *RejectError) Error() string {
	kind := "rejected"
	if e.Result == RejectedTransient {
		kind = "rejected for now"
	}
	why := rejectReasons[[2]uint8{uint8(e.Source), uint8(e.Reason)}]
	if why == "" {
		why = "unknown reason"
	}
	return fmt.Sprintf("association %s (%d/%d/%d): %s", kind, e.Result, e.Source, e.Reason, why)
}

// Append appends the PDU.
func (e *RejectError) Append(dst []byte) []byte {
	return appendShort(dst, PDUAssociateRJ, byte(e.Result), byte(e.Source), byte(e.Reason))
}

// ParseAssociateRJ reads the body of an A-ASSOCIATE-RJ PDU.
func ParseAssociateRJ(body []byte) (*RejectError, error) {
	if len(body) != shortBody {
		return nil, fmt.Errorf("A-ASSOCIATE-RJ: body of %d bytes", len(body))
	}
	return &RejectError{RejectResult(body[1]), RejectSource(body[2]), RejectReason(body[3])}, nil
}
