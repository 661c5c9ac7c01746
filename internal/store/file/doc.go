// Package file is the archive's vault on a directory.
//
// Objects are appended to pack files, so that objects that come close together
// share a sync; large ones have a file of their own. Every object is sealed
// under the key of its study; what identifies it is sealed under a key of the
// vault, so that objects of an erased study can still be skipped. The bytes are
// written down in docs/formats.md, the reasons in docs/design/vault.md.
//
// The vault refuses to go on after a failed write or sync of what it must rely
// on: from then on every change answers the first error, until it is opened
// anew. What was acknowledged can still be read.
//
// No name on disk comes from outside, and none tells what is in the file.
package file
