package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// element is one data element of the registry.
type element struct {
	tag     uint32
	mask    uint32 // bits of the tag that count; all for those that do not repeat
	vr      string // a constant of package dicom
	choice  string // a constant of package dict
	vm      string
	keyword string
	retired bool
}

type rawElement struct {
	Tag, VR, Keyword, VM, Origin string
}

// loadElements reads the data elements of PS3.6 and the command elements of
// PS3.7, sorted by tag, and apart from them those of repeating groups.
func loadElements(dir string) (plain, repeating []element, err error) {
	var data struct{ Elements []rawElement }
	if err := readJSON(dir, "data_elements_2026b.json", &data); err != nil {
		return nil, nil, err
	}
	var commands struct{ Commands []rawElement }
	if err := readJSON(dir, "command_elements_2026c.json", &commands); err != nil {
		return nil, nil, err
	}
	seen := make(map[string]bool)
	for _, r := range append(data.Elements, commands.Commands...) {
		r.Tag = strings.Trim(r.Tag, "()")
		if seen[r.Tag] || r.Origin == "PRIVATE" || r.Origin == "ILLEGAL" || r.Origin == "GENERIC" {
			continue
		}
		seen[r.Tag] = true
		e, err := newElement(r)
		if err != nil {
			return nil, nil, err
		}
		if e.mask == 0xFFFFFFFF {
			plain = append(plain, e)
		} else {
			repeating = append(repeating, e)
		}
	}
	byTag := func(a, b element) int { return cmp.Compare(a.tag, b.tag) }
	slices.SortFunc(plain, byTag)
	slices.SortFunc(repeating, byTag)
	return plain, repeating, nil
}

func newElement(r rawElement) (element, error) {
	e := element{
		mask:    0xFFFFFFFF,
		vm:      r.VM,
		keyword: strings.TrimPrefix(strings.TrimPrefix(r.Keyword, "RETIRED_"), "ACR_NEMA_"),
		retired: strings.HasSuffix(r.Origin, "/retired"),
	}
	if err := e.setTag(r.Tag); err != nil {
		return e, err
	}
	e.setVR(r.VR)
	return e, nil
}

// setTag reads gggg,eeee where either half may be a range gggg-gggg.
func (e *element) setTag(s string) error {
	group, number, ok := strings.Cut(s, ",")
	if !ok {
		return fmt.Errorf("tag %q", s)
	}
	for i, half := range []string{group, number} {
		low, high, ranged := strings.Cut(half, "-")
		v, err := strconv.ParseUint(low, 16, 16)
		if err != nil {
			return fmt.Errorf("tag %q: %w", s, err)
		}
		shift := 16 - 16*i
		e.tag |= uint32(v) << shift
		if ranged {
			w, err := strconv.ParseUint(high, 16, 16)
			if err != nil {
				return fmt.Errorf("tag %q: %w", s, err)
			}
			e.mask &^= uint32(v^w) << shift
		}
	}
	return nil
}

// setVR resolves the registry's codes for elements with a choice of VR.
func (e *element) setVR(vr string) {
	switch vr {
	case "xs":
		e.vr, e.choice = "VRUS", "USOrSS"
	case "lt":
		e.vr, e.choice = "VROW", "USOrSSOrOW"
	case "ox", "px":
		e.vr, e.choice = "VROW", "OBOrOW"
	case "up":
		e.vr = "VRUL"
	case "na":
		e.vr = "0"
	default:
		e.vr = "VR" + vr
	}
	if e.vr != "0" {
		e.vr = "dicom." + e.vr
	}
	if e.choice == "" {
		e.choice = "Fixed"
	}
}

// constant returns the name of the element's tag constant.
func (e element) constant() string { return strings.ToUpper(e.keyword[:1]) + e.keyword[1:] }

func tagConstants(plain, repeating []element) []byte {
	b := newFile()
	b.WriteString("// The tags of PS3.6 and PS3.7 by keyword.\nconst (\n")
	for _, e := range plain {
		e.writeConstant(b)
	}
	b.WriteString(")\n\n// The tags of repeating groups and elements (PS3.5 section 7.6), each the first of its range.\nconst (\n")
	for _, e := range repeating {
		e.writeConstant(b)
	}
	b.WriteString(")\n")
	return b.Bytes()
}

func (e element) writeConstant(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s dicom.Tag = 0x%08X", e.constant(), e.tag)
	if e.retired {
		b.WriteString(" // retired")
	}
	b.WriteByte('\n')
}

func (e element) writeEntry(b *bytes.Buffer) {
	fmt.Fprintf(b, "{0x%08X, %s, %s, %t, %q, %q},\n", e.tag, e.vr, e.choice, e.retired, e.vm, e.keyword)
}

func elementTable(plain, repeating []element) []byte {
	b := newFile()
	b.WriteString("// elements has the data elements in ascending order of tags.\n")
	fmt.Fprintf(b, "var elements = [%d]Entry{\n", len(plain))
	for _, e := range plain {
		e.writeEntry(b)
	}
	b.WriteString("}\n\n// repeating has those whose tags are ranges; the mask has the bits of the tag that count.\nvar repeating = [...]struct{mask dicom.Tag; entry Entry}{\n")
	for _, e := range repeating {
		fmt.Fprintf(b, "{0x%08X, Entry", e.mask)
		var entry bytes.Buffer
		e.writeEntry(&entry)
		b.WriteString(strings.TrimSuffix(entry.String(), ",\n") + "},\n")
	}
	b.WriteString("}\n\n// byTag is a hash table of indices into elements, plus one; 0 is an empty slot.\n")
	keys := make([]uint32, len(plain))
	for i, e := range plain {
		keys[i] = e.tag
	}
	b.WriteString("var byTag = [1 << hashBits]uint16{\n")
	writeUint16s(b, hashTable(keys, 14))
	b.WriteString("}\n\n// byKeyword has indices into elements in ascending order of keywords; those past\n// its end are indices into repeating.\n")
	all := append(slices.Clone(plain), repeating...)
	fmt.Fprintf(b, "var byKeyword = [%d]uint16{\n", len(all))
	writeUint16s(b, order(len(all), func(i int) string { return all[i].keyword }))
	b.WriteString("}\n")
	return b.Bytes()
}

// sortBy sorts indices by what key returns for them.
func sortBy[K cmp.Ordered](s []uint16, key func(int) K) {
	slices.SortFunc(s, func(a, b uint16) int { return cmp.Compare(key(int(a)), key(int(b))) })
}
