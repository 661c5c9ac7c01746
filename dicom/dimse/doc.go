// Package dimse is the DICOM message service element (PS3.7): command sets,
// status codes, a server loop that gives every operation to a Handler, and a
// client for all operations. Data sets are streams: a C-STORE's pixel data
// passes through without being held in memory.
//
// Serve answers nothing that its route function has no handler for. What goes
// wrong inside of a handler reaches the peer as a status of a closed list,
// never as text.
package dimse
