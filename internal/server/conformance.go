package server

import (
	"fmt"
	"io"
	"time"

	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/scp"
)

// WriteConformance prints the DICOM conformance statement (PS3.2) from what the
// program declares, not from a text beside it.
func WriteConformance(w io.Writer) error {
	c := DefaultConfig()
	_, err := fmt.Fprintf(w, `DICOM conformance statement

Implementation class UID: %s
Implementation version name: %s

Network
  Associations are taken over TLS only: TLS 1.2 or 1.3 with a client certificate
  that is registered for the device (PS3.15 section B.12; a client certificate
  is always required). Cipher suites of TLS 1.2: ECDHE with AES-GCM or
  ChaCha20-Poly1305. Default port 2762. A TLS failure ends the connection; no
  A-P-ABORT is sent before the peer is known.
  Calling AE titles are those registered for the certificate; the called AE
  title is %s unless configured.
  Maximum PDU length offered: %d bytes. Asynchronous operations: answered 1, 1.
  Idle associations end after %v; an association request must come within %v.
  User identity negotiation (PS3.7 section D.3.3.7): type 2 (user name and
  passcode, PS3.15 section B.5) and, with an OpenID Connect provider, type 5
  (JWT) are verified and answered on request; the association may then do what
  both device and person may. A wrong one: rejected-permanent, source 2, reason
  1. Types 1, 3 and 4 are not verified, not answered and give nothing. For each
  device an identity is optional, required, or ignored.

Storage
  Level 2 (full). The data set is kept bit for bit as received. Success means
  that it is on disk. The same instance again: success, no second copy; other
  bytes under its UID: 0111H, kept in quarantine. A700H beyond a limit, A900H
  where the data set does not match, C000H where it cannot be understood, 0124H
  outside the rights of the device.

Query
  All attributes of the identifier are matched; those that are not supported
  come back empty. Answers are in UTF-8 (ISO_IR 192), or in the character set
  configured for the device, or that of the query, where it can express them.
  Keys of upper levels may be left out or be wild cards (relational queries are
  always answered).

Retrieve
  Instances go out as they are stored; where the receiver does not take that
  transfer syntax, implicit and explicit VR, big endian and deflated encodings
  are converted into each other. What would need a codec is a failed
  sub-operation. C-MOVE goes to registered devices at their registered address.

Storage commitment
  The report is sent after every instance was read back and compared with the
  hash taken when it was received: on a new association to the registered
  address of the device, tried again for 7 days, or on the same association if
  it has none.

DICOMweb (PS3.18), at /dicom-web over HTTPS, default port 8443
  Bearer tokens (RFC 6750); 401 without one. What a token's user may not do is
  403, what the user may not see is 404. Nothing can be deleted.
  Search: all parameters of PS3.18 section 8.3.4; DICOM JSON, and XML in parts.
  Attributes that cannot be matched are ignored with Warning 299. At most 5000
  results in one answer.
  Retrieve: instances in the transfer syntax stored, native ones in Explicit VR
  Little Endian unless another is named; the preamble is always zero; in parts,
  alone, or as application/zip (also at .../{uid}.zip). Metadata in JSON or XML.
  Frames, bulk data and pixel data as they are stored, or decoded where there is
  a decoder, else 406.
  Rendered: image/jpeg, image/png, image/gif (animated for several frames);
  window, viewport, quality (1 to 100: that of the JPEG encoder), annotation
  (patient: name, ID, birth date, sex; technique: date, modality, series, image,
  location), iccprofile (no; yes for the profile of the instance). Grayscale and
  color softcopy presentation states: modality, VOI and presentation LUT,
  shutters, overlays, displayed area, rotation and flip; their graphic
  annotations are not drawn. Structured reports as text/html or text/plain,
  encapsulated PDF as it is.
  Thumbnails: of a study the middle image of its largest series, of a series its
  middle image, of an instance its first frame; at most 128 by 128 pixels, or
  the viewport up to 512 by 512; at most 32 by 32 where text may be burned in.
  URI service at /dicom-web/wado: all parameters of PS3.18 chapter 9 but
  anonymize, which is refused.
  Store: application/dicom alone or in parts, DICOM JSON or XML with bulk data in
  parts. Failure reasons: 0111H, 0122H, 0124H, A700H, A900H, C000H, C122H. A file
  whose File Meta Information names another SOP class than its data set is
  refused with A900H; where it names another instance, the data set counts. No
  URI is ever fetched.
  Storage commitment: answered when all instances have been read back; at most
  20,000 in a request, named in Referenced SOP Sequence. Results stay for an hour.
  Capabilities: OPTIONS / and /conformance in JSON or WADL; /openapi.json.
  Not offered: video, volumes, work list service, Non-Patient Instance service.

Audit trail (PS3.15 section A.5; tresor audit, docs/audit.md)
  Every act has a record, durable before the answer. Reported are Application
  Activity, Audit Log Used, Begin Transferring, Export, Import, Instances
  Accessed, Instances Transferred, Study Deleted, Network Entry, Query, Security
  Alert, User Authentication, Order, Patient and Procedure Record, as far as they
  occur. Not configurable. An identifier that is not known is <none>. Event types
  of coding scheme 99TRESOR refine those of Security Alert.
  Sent over syslog on TLS (PS3.15 section A.6; RFC 5424, RFC 5425) where
  configured: TLS 1.2 or 1.3, a client certificate if one is given; PRI 85, or 84
  for what was refused or failed; MSGID DICOM+RFC3881; STRUCTURED-DATA meta with
  sequenceId; UTF-8 with BOM; messages up to 32768 bytes unless configured longer.
  Searched as FHIR R4 AuditEvent (IHE ITI-81) at /fhir over HTTPS.

Service classes
`, ul.ImplementationClassUID, ul.ImplementationVersion, c.AET, c.Limits.MaxPDU,
		time.Duration(c.Limits.Idle), time.Duration(c.Limits.ARTIM))
	if err != nil {
		return err
	}
	return scp.WriteSurface(w)
}
