// Package ul is the DICOM upper layer (PS3.8 section 9): protocol data units,
// the state machine, and associations over any net.Conn, as acceptor and as
// requestor. It knows nothing of DIMSE beyond the message control header that
// tells command fragments from data set fragments (PS3.8 annex E).
//
// Every length is checked against a limit before memory is taken for it. An
// acceptor agrees to nothing that its negotiation callback has not accepted.
// Errors never carry bytes of the peer unescaped.
package ul
