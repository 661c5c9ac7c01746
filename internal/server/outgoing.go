package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/identity"
)

// dialTimeout is how long a device has to take an association of ours.
const dialTimeout = 20 * time.Second

// caller requests associations with devices: over TLS, at the address that is
// configured, with the certificate that belongs to the device.
type caller struct {
	identity *identity.Store
	aet      dicom.AETitle
}

func (c *caller) dial(ctx context.Context, to *identity.Device, o ul.RequestOptions) (*dimse.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	config, err := c.identity.OutgoingTLS(to.Name)
	if err != nil {
		return nil, err
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", to.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s over TLS: %w", to.Name, err)
	}
	o.Calling, o.Called = c.aet, to.AETitle()
	a, err := ul.Request(ctx, conn, o)
	if err != nil {
		return nil, fmt.Errorf("associate with %s: %w", to.Name, err)
	}
	return dimse.NewClient(a, dimse.ClientOptions{}), nil
}
