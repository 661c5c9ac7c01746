// Package synth makes studies of invented patients: several modalities, sizes,
// character sets and transfer syntaxes, for tests, benchmarks and the
// demonstration. The pictures are phantoms with structure that a person
// recognises on screen (a chest, a head, an ultrasound sector). The same seed
// and study number give the same bytes on every machine. It does not try to
// look like any real device, and nothing in it comes from a real patient.
package synth
