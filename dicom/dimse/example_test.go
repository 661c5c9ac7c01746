package dimse_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
)

// A server for C-ECHO and C-FIND, and a client that asks it.
func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go serve(l)

	ctx := context.Background()
	syntaxes := []dicom.UID{dict.UIDExplicitVRLittleEndian, dict.UIDImplicitVRLittleEndian}
	c, err := dimse.Dial(ctx, l.Addr().String(), dimse.DialOptions{RequestOptions: ul.RequestOptions{
		Called: "ARCHIVE", Calling: "ME",
		Contexts: []ul.ProposedContext{
			{AbstractSyntax: dict.UIDVerification, TransferSyntaxes: syntaxes},
			{AbstractSyntax: dict.UIDStudyRootQueryRetrieveInformationModelFind, TransferSyntaxes: syntaxes},
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	status, err := c.Echo(ctx)
	fmt.Println(status, err)

	keys := new(dicom.DataSet)
	keys.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY")
	keys.PutString(dict.PatientID, dicom.VRLO, "")
	query := dimse.QueryRequest{SOPClass: dict.UIDStudyRootQueryRetrieveInformationModelFind, Identifier: keys}
	for match, err := range c.Find(ctx, query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(match.String(dict.PatientID))
	}
	fmt.Println(c.Close(ctx))
	// Output:
	// 0000H (success) <nil>
	// INVENTED-1
	// INVENTED-2
	// <nil>
}

func serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			ctx := context.Background()
			a, err := ul.Accept(ctx, conn, ul.AcceptOptions{Negotiate: negotiate})
			if err != nil {
				log.Print(err)
				return
			}
			if err := dimse.Serve(ctx, a, route, dimse.ServeOptions{}); err != nil {
				log.Print(err)
			}
		}()
	}
}

// negotiate accepts what route has handlers for; all else stays refused.
func negotiate(_ context.Context, n *ul.Negotiation) error {
	if n.Called != "ARCHIVE" {
		return ul.RejectCalled
	}
	for _, pc := range n.Request.Contexts {
		switch pc.AbstractSyntax {
		case dict.UIDVerification, dict.UIDStudyRootQueryRetrieveInformationModelFind:
			n.Accept(pc.ID, pc.TransferSyntaxes[0])
		}
	}
	return nil
}

func route(f dimse.CommandField, _ ul.PresentationContext) dimse.Handler {
	switch f {
	case dimse.CEchoRQ:
		return dimse.HandlerFunc(func(context.Context, dimse.ResponseWriter, *dimse.Request) error { return nil })
	case dimse.CFindRQ:
		return dimse.HandlerFunc(find)
	}
	return nil
}

func find(_ context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
	if _, err := req.ReadDataSet(1 << 20); err != nil {
		return dimse.StatusCannotUnderstand
	}
	for _, id := range []string{"INVENTED-1", "INVENTED-2"} {
		match := new(dicom.DataSet)
		match.PutString(dict.PatientID, dicom.VRLO, id)
		if err := rw.Pending(dimse.StatusPending, match, nil); err != nil {
			return err
		}
	}
	return nil // becomes success
}

// What a handler returns becomes the final response.
func ExampleFailure() {
	err := error(&dimse.Failure{Status: dimse.StatusCannotUnderstand, Comment: "no pixel data",
		Offending: []dicom.Tag{dict.PixelData}})
	var status dimse.Status
	fmt.Println(errors.As(err, &status), status)
	// Output: true C000H (cannot understand)
}
