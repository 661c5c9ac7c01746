// Package pixel turns the pixel data of an instance into samples and pictures:
// the native and encapsulated formats of PS3.5 section 8 and annex A, the codecs
// of its transfer syntaxes, and the rendering of PS3.3 section C.11.
//
// Open takes a data set apart, Image.Frame decodes one frame, and Render makes
// an image.Image of it. Decoder and Encoder reach the codecs alone.
//
// A decoded frame is in one form whatever the transfer syntax was: rows from
// top to bottom, samples of one pixel beside each other, each the low Bits
// Stored bits, without sign extension, in Bits Allocated / 8 bytes little endian
// (one byte where Bits Allocated is 1). Two encodings of the same pixels give
// the same bytes.
//
// Codecs are plain Go. They take bytes from strangers: what a header claims is
// compared with the data set and with Limits before anything is allocated, and
// the work done is bounded by the size of the frame. They never repair: a frame
// that is damaged is an error, not a grey area in a picture. Video is not
// decoded.
package pixel
