package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

type rawUID struct {
	UID, Keyword, Type, Subtype, Source, Name, Info string
	Retired                                         bool
}

// names are those that the registry's file has cut off at an ampersand (PS3.6 table A-1).
var names = map[string]string{
	"1.2.840.10008.1.2.4.51": "JPEG Extended (Process 2 & 4): Default Transfer Syntax for Lossy JPEG 12 Bit Image Compression (Process 4 only)",
	"1.2.840.10008.1.2.4.52": "JPEG Extended (Process 3 & 5) (Retired)",
	"1.2.840.10008.1.2.4.53": "JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8) (Retired)",
	"1.2.840.10008.1.2.4.54": "JPEG Spectral Selection, Non-Hierarchical (Process 7 & 9) (Retired)",
	"1.2.840.10008.1.2.4.55": "JPEG Full Progression, Non-Hierarchical (Process 10 & 12) (Retired)",
	"1.2.840.10008.1.2.4.56": "JPEG Full Progression, Non-Hierarchical (Process 11 & 13) (Retired)",
	"1.2.840.10008.1.2.4.59": "JPEG Extended, Hierarchical (Process 16 & 18) (Retired)",
	"1.2.840.10008.1.2.4.60": "JPEG Extended, Hierarchical (Process 17 & 19) (Retired)",
	"1.2.840.10008.1.2.4.61": "JPEG Spectral Selection, Hierarchical (Process 20 & 22) (Retired)",
	"1.2.840.10008.1.2.4.62": "JPEG Spectral Selection, Hierarchical (Process 21 & 23) (Retired)",
	"1.2.840.10008.1.2.4.63": "JPEG Full Progression, Hierarchical (Process 24 & 26) (Retired)",
	"1.2.840.10008.1.2.4.64": "JPEG Full Progression, Hierarchical (Process 25 & 27) (Retired)",
}

// mediaStorageDirectory is the SOP class of a DICOMDIR, which exists on media
// only (PS3.4 annex B does not list it).
const mediaStorageDirectory = "1.2.840.10008.1.3.10"

// types maps the registry's words to constants of package dict.
var types = map[string]string{
	"ApplicationContextName": "ApplicationContextName",
	"ApplicationHosting":     "ApplicationHostingModel",
	"CodingScheme":           "CodingScheme",
	"FrameOfReference":       "FrameOfReference",
	"LDAP":                   "LDAPOID",
	"MappingResource":        "DCMR",
	"MetaSOPClass":           "MetaSOPClass",
	"SOPClass":               "SOPClass",
	"SOPInstance":            "SOPInstance",
	"ServiceClass":           "ServiceClass",
	"SopClass":               "SOPClass",
	"TransferSyntax":         "TransferSyntax",
}

// loadUIDs reads PS3.6 table A-1, sorted by UID. Of two entries for one UID the
// first, DCMTK's, counts; it takes what it lacks from the second.
func loadUIDs(dir string) ([]rawUID, error) {
	var file struct{ UIDs []rawUID }
	if err := readJSON(dir, "uids_2026b.json", &file); err != nil {
		return nil, err
	}
	index := make(map[string]int)
	keywords := make(map[string]bool)
	var uids []rawUID
	for _, u := range file.UIDs {
		if i, ok := index[u.UID]; ok {
			uids[i].Name = cmp.Or(uids[i].Name, u.Name)
			continue
		}
		if types[u.Type] == "" {
			return nil, fmt.Errorf("UID %s: type %q", u.UID, u.Type)
		}
		if keywords[u.Keyword] {
			return nil, fmt.Errorf("UID %s: second with keyword %s", u.UID, u.Keyword)
		}
		u.Name = cmp.Or(names[u.UID], u.Name, u.Keyword)
		u.Retired = u.Retired || strings.HasSuffix(u.Name, "(Retired)")
		keywords[u.Keyword] = true
		index[u.UID] = len(uids)
		uids = append(uids, u)
	}
	slices.SortFunc(uids, func(a, b rawUID) int { return cmp.Compare(a.UID, b.UID) })
	return uids, nil
}

func uidTable(uids []rawUID) []byte {
	b := newFile()
	b.WriteString("// The UIDs of PS3.6 table A-1 by keyword.\nconst (\n")
	for _, u := range uids {
		fmt.Fprintf(b, "UID%s dicom.UID = %q // %s\n", strings.ToUpper(u.Keyword[:1])+u.Keyword[1:], u.UID, u.Name)
	}
	b.WriteString(")\n\n// uids is in ascending order of UIDs.\n")
	fmt.Fprintf(b, "var uids = [%d]UIDEntry{\n", len(uids))
	for _, u := range uids {
		storage := u.Subtype == "Storage" && types[u.Type] == "SOPClass" && u.UID != mediaStorageDirectory
		fmt.Fprintf(b, "{%q, %q, %q, %s, %t, %t},\n", u.UID, u.Name, u.Keyword, types[u.Type], u.Retired, storage)
	}
	b.WriteString("}\n")
	return b.Bytes()
}
