// Package jpeg2000 decodes JPEG 2000 images (ISO/IEC 15444-1, the transfer
// syntaxes of PS3.5 section 8.2.4) and high-throughput ones (ISO/IEC 15444-15,
// PS3.5 section 8.2.14), and encodes both without loss.
//
// A codestream comes from a stranger. Its header is checked against Limits
// before anything is allocated for it, memory follows what the header of an
// accepted image declares, the work on a tile is bounded by its bytes and
// samples, and Decode stops when its context ends. Nothing recurses on input.
//
// The package knows nothing of DICOM. It does not do what DICOM does not use:
// palettes and channel definitions of the JP2 file format, the extensions of
// ISO/IEC 15444-2, code-blocks that mix both block coders in one tile
// (ISO/IEC 15444-15 HTMIXED), and images cut off in the middle, which it
// refuses rather than show as if they were whole.
//
// Clauses are cited as T.800 (which is ISO/IEC 15444-1) and T.814 (15444-15).
package jpeg2000
