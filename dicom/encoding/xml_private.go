package encoding

import (
	"errors"

	"github.com/tresor-pacs/tresor/dicom"
)

// privateElements are the private elements of one data set whose block is known
// by the name of its creator only.
type privateElements []privateElement

type privateElement struct {
	index   int // in the elements
	creator string
}

// reservation is what a private creator element stands for: a name in a group
// (PS3.5 section 7.8.1).
type reservation struct {
	group uint16
	name  string
}

var errPrivateBlocks = errors.New("more private creators in a group than blocks")

// place gives the elements their tags. Creators that are missing are added.
func (p privateElements) place(elements []dicom.Element) ([]dicom.Element, error) {
	if len(p) == 0 {
		return elements, nil
	}
	named := make(map[int]bool, len(p))
	for _, e := range p {
		named[e.index] = true
	}
	blocks := make(map[reservation]dicom.Tag)
	taken := make(map[dicom.Tag]bool)
	for i := range elements {
		e := &elements[i]
		switch {
		case named[i]:
		case e.Tag.IsPrivateCreator():
			r := reservation{e.Tag.Group(), dicom.TrimPadding(string(e.Data), dicom.VRLO)}
			if first, ok := blocks[r]; !ok || e.Tag < first {
				blocks[r] = e.Tag
			}
			taken[e.Tag] = true
		case e.Tag.Creator() != 0:
			taken[e.Tag.Creator()] = true
		}
	}
	for _, private := range p {
		e := &elements[private.index]
		r := reservation{e.Tag.Group(), dicom.TrimPadding(private.creator, dicom.VRLO)}
		creator, ok := blocks[r]
		if !ok {
			if creator = freeBlock(e.Tag, taken); creator == 0 {
				return nil, errPrivateBlocks
			}
			blocks[r], taken[creator] = creator, true
			elements = append(elements, dicom.Element{Tag: creator, VR: dicom.VRLO,
				Data: dicom.Pad([]byte(r.name), dicom.VRLO)})
			e = &elements[private.index]
		}
		e.Tag = e.Tag&0xFFFF00FF | creator&0xFF<<8
	}
	return elements, nil
}

// freeBlock returns the creator element of a block in t's group that nobody has
// taken, 0 if there is none.
func freeBlock(t dicom.Tag, taken map[dicom.Tag]bool) dicom.Tag {
	for block := t&0xFFFF0000 | 0x10; block&0xFFFF <= 0xFF; block++ {
		if !taken[block] {
			return block
		}
	}
	return 0
}
