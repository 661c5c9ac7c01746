package dimse

import "fmt"

// CommandField tells which message of which service a command set is (PS3.7
// section E.1-1, Command Field (0000,0100)).
type CommandField uint16

// The command fields of PS3.7 table E.1-1.
const (
	CStoreRQ        CommandField = 0x0001
	CStoreRSP       CommandField = 0x8001
	CGetRQ          CommandField = 0x0010
	CGetRSP         CommandField = 0x8010
	CFindRQ         CommandField = 0x0020
	CFindRSP        CommandField = 0x8020
	CMoveRQ         CommandField = 0x0021
	CMoveRSP        CommandField = 0x8021
	CEchoRQ         CommandField = 0x0030
	CEchoRSP        CommandField = 0x8030
	NEventReportRQ  CommandField = 0x0100
	NEventReportRSP CommandField = 0x8100
	NGetRQ          CommandField = 0x0110
	NGetRSP         CommandField = 0x8110
	NSetRQ          CommandField = 0x0120
	NSetRSP         CommandField = 0x8120
	NActionRQ       CommandField = 0x0130
	NActionRSP      CommandField = 0x8130
	NCreateRQ       CommandField = 0x0140
	NCreateRSP      CommandField = 0x8140
	NDeleteRQ       CommandField = 0x0150
	NDeleteRSP      CommandField = 0x8150
	CCancelRQ       CommandField = 0x0FFF
)

var fieldNames = map[CommandField]string{
	CStoreRQ: "C-STORE", CGetRQ: "C-GET", CFindRQ: "C-FIND", CMoveRQ: "C-MOVE",
	CEchoRQ: "C-ECHO", NEventReportRQ: "N-EVENT-REPORT", NGetRQ: "N-GET",
	NSetRQ: "N-SET", NActionRQ: "N-ACTION", NCreateRQ: "N-CREATE",
	NDeleteRQ: "N-DELETE", CCancelRQ: "C-CANCEL",
}

// String returns the name of the message: C-STORE-RQ.
func (f CommandField) String() string {
	name, ok := fieldNames[f.Request()]
	switch {
	case !ok || f == CCancelRQ.Response():
		return fmt.Sprintf("%04XH", uint16(f))
	case f.IsResponse():
		return name + "-RSP"
	}
	return name + "-RQ"
}

// Known reports whether PS3.7 defines f.
func (f CommandField) Known() bool {
	_, ok := fieldNames[f.Request()]
	return ok && f != CCancelRQ.Response()
}

// IsResponse reports whether f is a response.
func (f CommandField) IsResponse() bool { return f&0x8000 != 0 }

// Response returns the response that belongs to the request f.
func (f CommandField) Response() CommandField { return f | 0x8000 }

// Request returns the request that belongs to the response f.
func (f CommandField) Request() CommandField { return f &^ 0x8000 }

// cancellable reports whether C-CANCEL may end the operation early (PS3.7
// section 9.3.2.3).
func (f CommandField) cancellable() bool {
	return f == CFindRQ || f == CGetRQ || f == CMoveRQ
}
