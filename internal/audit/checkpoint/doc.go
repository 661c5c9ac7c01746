// Package checkpoint makes the trail a transparency log: a Merkle tree over its
// records (RFC 6962 section 2.1) whose head is signed in the formats of C2SP
// (c2sp.org/signed-note, c2sp.org/tlog-checkpoint). Record N of the trail is
// leaf N-1. A checkpoint that is kept elsewhere proves later that nothing up to
// it was changed, dropped, reordered or rolled back, whatever became of the
// archive's own files and key; a witness (c2sp.org/tlog-witness) keeps it and
// signs it as well.
//
// The tree lies beside the trail, under tree/: the file hashes, which can be
// made anew from the trail, and the latest checkpoint.
package checkpoint
