// Package encoding reads and writes data sets: the transfer syntaxes of PS3.5
// annex A, the DICOM file format of PS3.10, the DICOM JSON model (PS3.18 annex
// F) and the native DICOM model in XML (PS3.19 annex A).
//
// A Decoder reads a stream of unknown size with bounded memory: it grows with
// what is kept, never with what a length field promises, and every dimension
// has a limit (see Limits). What is ambiguous is refused with an *Error that
// tells where: tags that do not ascend, items outside sequences or beyond their
// end, undefined lengths where PS3.5 has none, group 0000 in a data set. Values
// themselves are not judged.
//
// A data set that was read is written with the same bytes again: lengths that
// were undefined stay so, and values keep their padding.
package encoding
