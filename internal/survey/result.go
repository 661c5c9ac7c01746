package survey

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/tresor-pacs/tresor/internal/survey/scope"
)

// State is what a stranger finds at an address and port.
type State string

// The states, from nothing to everything.
const (
	Closed     State = "closed"
	Filtered   State = "filtered"
	NotDICOM   State = "not-dicom"
	MutualTLS  State = "mutual-tls" // no answer without a client certificate
	Refused    State = "refused"    // every association is rejected, or a web page wants a login
	Associates State = "associates" // any caller is accepted
	Stores     State = "stores"     // and may open a Storage context (not tried)
	Undecided  State = "undecided"  // the query was neither permitted nor refused
	Queryable  State = "queryable"  // the query is permitted
	WebOpen    State = "web-open"   // DICOMweb, REST or a viewer without a login
)

// Envelope is one line of output, in the form of zgrab2.
type Envelope struct {
	IP     netip.Addr `json:"ip"`
	Port   int        `json:"port"`
	Domain string     `json:"domain,omitempty"`
	Data   Data       `json:"data"`
}

// Place returns the address and port.
func (e *Envelope) Place() netip.AddrPort { return netip.AddrPortFrom(e.IP, uint16(e.Port)) }

// Data has one module: dicom.
type Data struct {
	DICOM Module `json:"dicom"`
}

// Module is what the survey found, as zgrab2 wraps it.
type Module struct {
	Status    string    `json:"status"` // zgrab2's words: success, connection-refused, ...
	Protocol  string    `json:"protocol"`
	Port      int       `json:"port"`
	Result    *Result   `json:"result"`
	Timestamp time.Time `json:"timestamp"`
	Error     string    `json:"error,omitempty"`
}

// Result is what is known of one address and port.
type Result struct {
	State    State       `json:"state"`
	Severity float64     `json:"severity"`
	Vector   string      `json:"vector"`
	Rung     scope.Level `json:"-"`
	Studies  *int64      `json:"studies"`
	Images   *int64      `json:"images"`
	Product  string      `json:"product"`
	Version  string      `json:"version"`
	Findings []Finding   `json:"findings"`

	Size        *Size        `json:"size,omitempty"`
	Association *Association `json:"association,omitempty"`
	Echo        string       `json:"echo,omitempty"` // status of C-ECHO
	Query       *Query       `json:"query,omitempty"`
	TLS         *TLSFacts    `json:"tls,omitempty"`
	Web         *Web         `json:"web,omitempty"`
	Honeypot    bool         `json:"honeypot,omitempty"`
	Country     string       `json:"country,omitempty"`
	ASN         uint32       `json:"asn,omitempty"`
	Network     string       `json:"network,omitempty"` // who runs it
	Scope       string       `json:"scope"`
	Connections int          `json:"connections"`
	Received    int64        `json:"received"` // bytes, of all connections
	Began       time.Time    `json:"began"`
}

// rungResult writes the rung as the survey's word.
type rungResult struct {
	*plainResult
	Rung string `json:"rung"`
}

type plainResult Result

// MarshalJSON writes the rung as L2.
func (r *Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(rungResult{(*plainResult)(r), r.Rung.String()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Result) UnmarshalJSON(b []byte) error {
	in := rungResult{plainResult: (*plainResult)(r)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	if len(in.Rung) == 2 && in.Rung[0] == 'L' && in.Rung[1] >= '0' && in.Rung[1] <= '5' {
		r.Rung = scope.Level(in.Rung[1] - '0')
	}
	return nil
}

// Association is what the host answered to the one association.
type Association struct {
	Answer         string            `json:"answer"`             // accepted, rejected, aborted
	Contexts       map[string]string `json:"contexts,omitempty"` // by name: accepted, or why not
	Implementation string            `json:"implementation,omitempty"`
	VersionName    string            `json:"version_name,omitempty"`
	MaxPDU         uint32            `json:"max_pdu,omitempty"`
	Reject         string            `json:"reject,omitempty"` // result/source/reason, PS3.8 section 9.3.4
	Meaning        string            `json:"meaning,omitempty"`
	RequestSHA256  string            `json:"request_sha256,omitempty"`
	Raw            []byte            `json:"raw,omitempty"` // the A-ASSOCIATE-AC, -RJ or A-ABORT
	transient      bool
}

// accepted reports whether a context of that name was accepted.
func (a *Association) accepted(name string) bool {
	return a != nil && a.Contexts[name] == "accepted"
}

// Query is the outcome of the permitted-query test.
type Query struct {
	Outcome string `json:"outcome"` // permitted, refused, undecided
	Status  string `json:"status,omitempty"`
}

// The outcomes of the permitted-query test.
const (
	QueryPermitted = "permitted"
	QueryRefused   = "refused"
	QueryUndecided = "undecided"
)

// Size is how much an archive holds and how that is known.
type Size struct {
	Method string `json:"method"` // counters, offsets, dates
	Exact  bool   `json:"exact"`
	Low    int64  `json:"low"`  // of studies: 95 % interval
	High   int64  `json:"high"` // equal to Low if exact
	Sample int64  `json:"sample,omitempty"`
	Note   string `json:"note,omitempty"`
}
