package access

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// Certificate says that a study was erased. It names no patient: the UID was
// made by a device and tells nothing once the study is gone.
type Certificate struct {
	Erasure   string    `json:"erasure"`
	Study     dicom.UID `json:"study"`
	Instances int       `json:"instances"`
	Bytes     int64     `json:"bytes"`
	Class     string    `json:"retention"`           // by which rule it was kept
	KeptUntil time.Time `json:"kept_until,omitzero"` // when that ended
	Reason    string    `json:"reason"`              // as it was asked for
	By        string    `json:"requested_by"`        //
	AgreedBy  string    `json:"agreed_by"`           //
	At        time.Time `json:"erased"`              //
	Method    string    `json:"method"`              //
	Key       []byte    `json:"public_key,omitempty"`
	Signature []byte    `json:"signature,omitempty"` // Ed25519, of the JSON object without it
}

// Method is how studies are erased.
const Method = "the key under which every object of the study is sealed was destroyed, and its entries in the catalog were overwritten"

// Sign signs the certificate.
func (c *Certificate) Sign(key ed25519.PrivateKey) error {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return errors.New("sign a certificate: the key is none")
	}
	c.Key, c.Signature = public, nil
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	c.Signature = ed25519.Sign(key, b)
	return nil
}

// Check reports whether the certificate is as the holder of the key signed it.
func (c Certificate) Check(key ed25519.PublicKey) bool {
	signature := c.Signature
	c.Signature = nil
	b, err := json.Marshal(c)
	return err == nil && len(key) == ed25519.PublicKeySize && string(c.Key) == string(key) && ed25519.Verify(key, b, signature)
}
