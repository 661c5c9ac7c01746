// Package identity knows who may speak to the archive: the devices, their
// certificates and rights, and the enrolment CA that issues certificates
// (PS3.15 section B.12; IHE ITI-19). A device is whoever shows a certificate
// that the registry knows, byte for byte, that is in date and was not revoked;
// the AE title that it gives is compared with the device's own and proves
// nothing by itself.
//
// It knows people as well: their passwords, one-time codes (RFC 6238), passkeys
// (Web Authentication Level 3), sessions and tokens, and those whom an OpenID
// Connect provider vouches for. docs/design/people.md says why as it is.
//
// Everything lies below one directory, sealed, and is shared by the server and
// the command line: each change is one atomic replacement of the registry under
// a lock, and a running server follows it within a second.
//
// The package never trusts a certificate because of its names alone, never
// resumes TLS sessions for devices, and never logs keys.
package identity
