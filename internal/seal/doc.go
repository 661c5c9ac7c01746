// Package seal keeps secrets at rest. It has three layers:
//
//   - the master key (KEK): in a file of mode 0600, or derived from a passphrase
//     (Argon2id, RFC 9106), or held by another system behind the interface Master;
//   - the Keyring: named data keys, wrapped by the master key with purpose and
//     version as associated data, so that the master key changes without
//     rewriting what the data keys seal;
//   - the ciphers: Box for small blobs, Writer and Reader for streams, in the
//     wire format of Tink's AES-GCM-HKDF streaming AEAD, in segments of 64 KiB
//     so that any part can be read alone.
//
// Everything is authenticated: what was changed, cut, swapped or sealed for
// another purpose is an error, never other bytes. The formats are written down
// in docs/formats.md.
package seal
