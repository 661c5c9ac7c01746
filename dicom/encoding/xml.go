package encoding

import (
	"unicode/utf8"
)

// XMLOptions are for the native DICOM model in XML.
type XMLOptions = JSONOptions

// xmlNamespace is that of PS3.19 section A.1.
const xmlNamespace = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

// The elements of the native DICOM model (PS3.19 section A.1.6).
const (
	xmlRoot      = "NativeDicomModel"
	xmlAttribute = "DicomAttribute"
	xmlValue     = "Value"
	xmlItem      = "Item"
	xmlName      = "PersonName"
	xmlBulk      = "BulkData"
	xmlInline    = "InlineBinary"
)

var (
	xmlGroups     = [...]string{"Alphabetic", "Ideographic", "Phonetic"}
	xmlComponents = [...]string{"FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"}
)

// uuidPrefix marks a reference that BulkData carries as a uuid, not as a uri.
const uuidPrefix = "urn:uuid:"

// appendXMLText appends s, which must be valid UTF-8, as character data or as
// the value of an attribute. Characters that XML 1.0 cannot hold in any form,
// such as form feed, become U+FFFD; carriage returns, which a reader would turn
// into line feeds, and tabs are written as references.
func appendXMLText[S string | []byte](dst []byte, s S) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		size, replacement := 1, ""
		switch {
		case c == '&':
			replacement = "&amp;"
		case c == '<':
			replacement = "&lt;"
		case c == '>':
			replacement = "&gt;"
		case c == '"':
			replacement = "&#34;"
		case c == '\r':
			replacement = "&#13;"
		case c == '\t':
			replacement = "&#9;"
		case c < 0x20 && c != '\n':
			replacement = "\uFFFD"
		case c == 0xEF && isNoncharacter(s, i): // U+FFFE and U+FFFF
			size, replacement = 3, "\uFFFD"
		default:
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = append(dst, replacement...)
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

func isNoncharacter[S string | []byte](s S, i int) bool {
	return i+utf8.UTFMax-1 <= len(s) && s[i+1] == 0xBF && s[i+2] >= 0xBE
}
