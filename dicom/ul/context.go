package ul

import "github.com/tresor-pacs/tresor/dicom"

// PresentationContext is a presentation context that was accepted (PS3.8
// section 7.1.1.13), with the roles of the peer in it.
type PresentationContext struct {
	ID             uint8
	AbstractSyntax dicom.UID
	TransferSyntax dicom.UID
	// PeerSCU and PeerSCP tell which roles the peer may take (PS3.7 section
	// D.3.3.4). Without role selection the requestor is SCU, the acceptor SCP.
	PeerSCU, PeerSCP bool
}
