package ul_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// Two sides of an association. What is sent here as a command set is none: the
// upper layer does not look into it. Package dimse does.
func Example() {
	const verification, implicitLE dicom.UID = "1.2.840.10008.1.1", "1.2.840.10008.1.2"
	here, there := net.Pipe()
	ctx := context.Background()
	go func() {
		a, err := ul.Accept(ctx, there, ul.AcceptOptions{Negotiate: func(_ context.Context, n *ul.Negotiation) error {
			if n.Called != "ARCHIVE" {
				return ul.RejectCalled
			}
			for _, pc := range n.Request.Contexts {
				if pc.AbstractSyntax == verification {
					n.Accept(pc.ID, implicitLE)
				}
			}
			return nil // what was not accepted is refused
		}})
		if err != nil {
			log.Fatal(err)
		}
		for {
			part, err := a.NextPart()
			if err != nil {
				break // ul.ErrReleased
			}
			b, err := io.ReadAll(part)
			fmt.Printf("context %d, command %t: %s %v\n", part.ContextID, part.Command, b, err)
		}
		a.Close()
	}()

	a, err := ul.Request(ctx, here, ul.RequestOptions{Called: "ARCHIVE", Calling: "ME",
		Contexts: []ul.ProposedContext{{AbstractSyntax: verification, TransferSyntaxes: []dicom.UID{implicitLE}}}})
	if err != nil {
		log.Fatal(err)
	}
	err = a.Send(1, []byte("a command!"), bytes.NewReader([]byte("a data set")))
	fmt.Println(err, a.Release(ctx))
	// Output:
	// context 1, command true: a command! <nil>
	// context 1, command false: a data set <nil>
	// <nil> <nil>
}
