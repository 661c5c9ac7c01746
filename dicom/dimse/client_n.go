package dimse

import (
	"context"

	"github.com/tresor-pacs/tresor/dicom"
)

// NEventReport performs N-EVENT-REPORT (PS3.7 section 10.1.1). The requestor of
// an association may do so if it is SCP in the presentation context (role
// selection): storage commitment reports in this way on a new association.
func (c *Client) NEventReport(ctx context.Context, r EventReport) (*Result, error) {
	for _, pc := range c.s.a.Contexts() {
		if pc.AbstractSyntax != r.SOPClass {
			continue
		}
		data, err := encode(pc, r.Information)
		if err != nil {
			return nil, c.failed(ctx, NEventReportRQ, err)
		}
		return c.perform(ctx, pc, r.command(), data)
	}
	return nil, c.failed(ctx, NEventReportRQ, ErrNoContext)
}

// NGet performs N-GET (PS3.7 section 10.1.2); no attributes means all.
func (c *Client) NGet(ctx context.Context, class, instance dicom.UID, attributes ...dicom.Tag) (*Result, error) {
	return c.simple(ctx, Command{Field: NGetRQ, SOPClass: class, SOPInstance: instance, AttributeIdentifiers: attributes}, nil)
}

// NSet performs N-SET (PS3.7 section 10.1.3).
func (c *Client) NSet(ctx context.Context, class, instance dicom.UID, modifications *dicom.DataSet) (*Result, error) {
	return c.simple(ctx, Command{Field: NSetRQ, SOPClass: class, SOPInstance: instance}, modifications)
}

// NAction performs N-ACTION (PS3.7 section 10.1.4); information may be nil.
func (c *Client) NAction(ctx context.Context, class, instance dicom.UID, action uint16, information *dicom.DataSet) (*Result, error) {
	return c.simple(ctx, Command{Field: NActionRQ, SOPClass: class, SOPInstance: instance, ActionTypeID: action}, information)
}

// NCreate performs N-CREATE (PS3.7 section 10.1.5); with an empty instance the
// peer chooses the UID, which is the Result's SOPInstance.
func (c *Client) NCreate(ctx context.Context, class, instance dicom.UID, attributes *dicom.DataSet) (*Result, error) {
	return c.simple(ctx, Command{Field: NCreateRQ, SOPClass: class, SOPInstance: instance}, attributes)
}

// NDelete performs N-DELETE (PS3.7 section 10.1.6).
func (c *Client) NDelete(ctx context.Context, class, instance dicom.UID) (*Result, error) {
	return c.simple(ctx, Command{Field: NDeleteRQ, SOPClass: class, SOPInstance: instance}, nil)
}
