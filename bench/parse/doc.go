// Package parse measures dicom/encoding beside github.com/suyashkumar/dicom, in
// a module of its own so that the archive does not depend on the latter:
//
//	go test -bench . -benchmem
package parse
