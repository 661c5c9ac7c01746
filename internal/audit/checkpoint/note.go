package checkpoint

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxNote is the longest signed checkpoint that is read, in bytes.
const MaxNote = 64 << 10

// originPrefix and the trail's name are the origin of its checkpoints.
const originPrefix = "tresor-trail/"

// Origin returns the origin line of the trail with the name id, which is the
// name of its key as well.
func Origin(id string) string { return originPrefix + id }

// Checkpoint is the head of a tree (c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   tlog.Hash
}

// text is the checkpoint as it is signed.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

var errFormat = errors.New("it is no checkpoint")

// parse reads the text of a checkpoint; extension lines are passed over.
func parse(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, errFormat
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseUint(lines[1], 10, 63); err != nil || strconv.FormatUint(c.Size, 10) != lines[1] {
		return Checkpoint{}, errFormat
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return Checkpoint{}, errFormat
	}
	return c, nil
}

// Key signs checkpoints.
type Key struct {
	name    string
	private ed25519.PrivateKey
	hash    uint32
	public  string
}

// NewKey returns the key of a trail: an Ed25519 key whose seed the caller keeps
// secret (32 bytes).
func NewKey(id string, seed []byte) (*Key, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("checkpoint: the seed has %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	k := &Key{name: Origin(id), private: ed25519.NewKeyFromSeed(seed)}
	var err error
	if k.public, err = note.NewEd25519VerifierKey(k.name, k.private.Public().(ed25519.PublicKey)); err != nil {
		return nil, fmt.Errorf("checkpoint: make the key: %w", err)
	}
	v, err := note.NewVerifier(k.public)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: make the key: %w", err)
	}
	k.hash = v.KeyHash()
	return k, nil
}

// Public returns the verifier key (c2sp.org/signed-note), which is no secret:
// whoever has it can check checkpoints.
func (k *Key) Public() string { return k.public }

// Name returns the name of the key; Name, KeyHash and Sign make k a note.Signer.
func (k *Key) Name() string { return k.name }

// KeyHash returns the identifier of the key.
func (k *Key) KeyHash() uint32 { return k.hash }

// Sign signs the text of a note.
func (k *Key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }

// sign returns the signed note of c.
func (k *Key) sign(c Checkpoint) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, k)
}

// Open checks that a checkpoint is signed by the verifier key public, and reads it.
func Open(signed []byte, public string) (Checkpoint, error) {
	if len(signed) > MaxNote {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: it is too long", errFormat)
	}
	v, err := note.NewVerifier(strings.TrimSpace(public))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: the verifier key: %w", err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: it is not signed by the key %s: %w", v.Name(), err)
	}
	c, err := parse(n.Text)
	if err != nil {
		return c, fmt.Errorf("checkpoint: %w", err)
	}
	if c.Origin != v.Name() {
		return c, fmt.Errorf("checkpoint: it is of %q, signed by the key of %s", c.Origin, v.Name())
	}
	return c, nil
}

// Cosigner checks the cosignatures of a witness (c2sp.org/tlog-cosignature).
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// algCosignature is the type of an Ed25519 cosignature's key.
const algCosignature = 4

// newCosigner reads the verifier key of a witness: NAME+HASH+BASE64.
func newCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(strings.TrimSpace(vkey), "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("a witness's key is written NAME+HASH+KEY")
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil || len(parts[1]) != 8 {
		return nil, errors.New("the hash in a witness's key has 8 hexadecimal digits")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != algCosignature {
		return nil, errors.New("the witness's key is no Ed25519 key for cosignatures (type 04h)")
	}
	c := &cosigner{name: parts[0], hash: uint32(hash), key: key[1:]}
	if c.hash != keyHash(c.name, key) {
		return nil, errors.New("the witness's key does not match its hash")
	}
	return c, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

// Verify checks a signature: 8 bytes of a time, then one over the time and msg.
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(c.key, cosigned(sig[:8], msg), sig[8:])
}

// cosigned is what a witness signs; seconds is big-endian since 1970.
func cosigned(seconds, msg []byte) []byte {
	var n uint64
	for _, b := range seconds {
		n = n<<8 | uint64(b)
	}
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", n), msg...)
}

// body returns the text of a signed note, with its last line feed.
func body(signed []byte) []byte {
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	return append(bytes.Clone(text), '\n')
}

// TrailOf returns the name of the trail that a checkpoint says it is of. Nothing
// has checked that yet.
func TrailOf(signed []byte) (id string, err error) {
	origin, _, _ := bytes.Cut(signed, []byte("\n"))
	id, ok := strings.CutPrefix(string(origin), originPrefix)
	if !ok || len(signed) > MaxNote {
		return "", fmt.Errorf("checkpoint: %w of a trail", errFormat)
	}
	return id, nil
}
