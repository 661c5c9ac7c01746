// Package dicom has the words of DICOM: tags, value representations, unique
// identifiers, AE titles, person names, character sets (PS3.5) and the data set
// that is made of them. It does no input or output; package encoding reads and
// writes data sets.
package dicom
