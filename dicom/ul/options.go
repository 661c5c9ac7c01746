package ul

import (
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// DefaultMaxPDU is the longest P-DATA-TF body that we take and send unless told
// otherwise: large PDUs cost few system calls.
const DefaultMaxPDU = 128 << 10

// maxAssociate is the longest body of an A-ASSOCIATE PDU that is taken.
const maxAssociate = 256 << 10

// abortTimeout is how long the peer has to take our A-ABORT.
const abortTimeout = time.Second

// Options are what acceptors and requestors have in common. The zero value is
// good.
type Options struct {
	// MaxPDU is the longest P-DATA-TF body that we offer to take and, if the peer
	// takes it, send; 0 means DefaultMaxPDU. It is at least 4096.
	MaxPDU uint32
	// ARTIM is how long the peer may take for its A-ASSOCIATE PDU, to answer a
	// release, and to close the connection after the last PDU; 0 means 15 s.
	ARTIM time.Duration
	// Idle is how long the association may be without a PDU between messages;
	// 0 means 60 s, less than 0 for ever. SetIdle changes it.
	Idle time.Duration
	// WriteTimeout is how long the peer may take to take what we send at a time
	// (at most about 128 KiB); 0 means 60 s.
	WriteTimeout time.Duration
	// MinRate is the rate, in bytes a second, below which the peer must not fall
	// within a message for RateWindow, which counts only time spent waiting for
	// it; 0 means 8 KiB/s and 30 s, MinRate less than 0 means no limit.
	MinRate    int
	RateWindow time.Duration
	// ImplementationClassUID and ImplementationVersion replace our own.
	ImplementationClassUID dicom.UID
	ImplementationVersion  string
}

func (o Options) withDefaults() Options {
	if o.MaxPDU == 0 {
		o.MaxPDU = DefaultMaxPDU
	}
	o.MaxPDU = max(o.MaxPDU, 4096)
	setDefault(&o.ARTIM, 15*time.Second)
	setDefault(&o.Idle, 60*time.Second)
	setDefault(&o.WriteTimeout, 60*time.Second)
	setDefault(&o.RateWindow, 30*time.Second)
	if o.MinRate == 0 {
		o.MinRate = 8 << 10
	}
	if o.ImplementationClassUID == "" {
		o.ImplementationClassUID = ImplementationClassUID
		o.ImplementationVersion = ImplementationVersion
	}
	return o
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d == 0 {
		*d = to
	}
}
