package export

import (
	"encoding/binary"
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

// mediaStorageDirectory is the SOP class of a DICOMDIR (PS3.4 section I.4).
const mediaStorageDirectory = dicom.UID("1.2.840.10008.1.3.10")

// record is a directory record (PS3.3 section F.3.2.2) with those below it.
type record struct {
	keys  dicom.DataSet
	lower []*record

	body   []byte // encoded; its first two elements are the offsets
	offset uint32 // of its item in the file
}

// newRecord returns a record of a type with what it takes over of a header:
// required keys are there even if the header has none (type 2), others are not.
func newRecord(kind string, header *dicom.DataSet, required, optional []dicom.Tag) (*record, error) {
	r := new(record)
	put := func(err *error, tag dicom.Tag, values ...string) {
		if *err == nil {
			*err = r.keys.PutString(tag, dict.VR(tag), values...)
		}
	}
	var err error
	put(&err, dict.SpecificCharacterSet, "ISO_IR 192")
	put(&err, dict.DirectoryRecordType, kind)
	for _, tag := range required {
		put(&err, tag, header.Strings(tag)...)
	}
	for _, tag := range optional {
		if e := header.Get(tag); e != nil && e.VR == dicom.VRSQ {
			r.keys.Put(*e)
		} else if values := header.Strings(tag); len(values) > 0 {
			put(&err, tag, values...)
		}
	}
	for _, tag := range []dicom.Tag{dict.OffsetOfTheNextDirectoryRecord, dict.OffsetOfReferencedLowerLevelDirectoryEntity} {
		if err == nil {
			err = r.keys.PutInts(tag, dicom.VRUL, 0)
		}
	}
	if err == nil {
		err = r.keys.PutInts(dict.RecordInUseFlag, dicom.VRUS, 0xFFFF)
	}
	return r, err
}

// names tells where the file of a record is (PS3.3 section F.3.2.2).
func (r *record) names(file []string, class, instance, syntax dicom.UID) error {
	if err := r.keys.PutString(dict.ReferencedFileID, dicom.VRCS, file...); err != nil {
		return err
	}
	for _, v := range []struct {
		tag dicom.Tag
		uid dicom.UID
	}{{dict.ReferencedSOPClassUIDInFile, class}, {dict.ReferencedSOPInstanceUIDInFile, instance}, {dict.ReferencedTransferSyntaxUIDInFile, syntax}} {
		r.keys.PutUID(v.tag, v.uid)
	}
	return nil
}

const (
	itemHead = 8  // bytes of an item's tag and length
	listHead = 12 // of the sequence's tag, VR and length
)

// directory returns a DICOMDIR with the records.
func directory(id string, roots []*record) ([]byte, error) {
	head, err := encoding.AppendMeta(nil, encoding.NewMeta(mediaStorageDirectory, dicom.NewUID(), encoding.ExplicitLE.UID))
	if err != nil {
		return nil, fmt.Errorf("write the DICOMDIR: %w", err)
	}
	var ds dicom.DataSet
	if err := ds.PutString(dict.FileSetID, dicom.VRCS, id); err != nil {
		return nil, err
	}
	for _, tag := range []dicom.Tag{dict.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity, dict.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity} {
		if err := ds.PutInts(tag, dicom.VRUL, 0); err != nil {
			return nil, err
		}
	}
	if err := ds.PutInts(dict.FileSetConsistencyFlag, dicom.VRUS, 0); err != nil {
		return nil, err
	}
	top, err := encoding.Append(nil, encoding.ExplicitLE, &ds)
	if err != nil {
		return nil, err
	}
	all := flatten(nil, roots)
	at := len(head) + len(top) + listHead
	for _, r := range all {
		if r.body, err = encoding.Append(nil, encoding.ExplicitLE, &r.keys); err != nil {
			return nil, err
		}
		r.offset = uint32(at)
		if at += itemHead + len(r.body); at > 1<<31 {
			return nil, fmt.Errorf("write the DICOMDIR: more records than its offsets reach")
		}
	}
	link(roots)
	if len(roots) > 0 {
		ds.PutInts(dict.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity, dicom.VRUL, int64(roots[0].offset))
		ds.PutInts(dict.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity, dicom.VRUL, int64(roots[len(roots)-1].offset))
	}
	b, err := encoding.Append(head, encoding.ExplicitLE, &ds)
	if err != nil {
		return nil, err
	}
	return appendRecords(b, all)
}

func flatten(list []*record, level []*record) []*record {
	for _, r := range level {
		list = flatten(append(list, r), r.lower)
	}
	return list
}

// link enters where the next record and the first one below are; zero is none.
func link(level []*record) {
	for i, r := range level {
		next, lower := uint32(0), uint32(0)
		if i+1 < len(level) {
			next = level[i+1].offset
		}
		if len(r.lower) > 0 {
			lower = r.lower[0].offset
		}
		r.keys.PutInts(dict.OffsetOfTheNextDirectoryRecord, dicom.VRUL, int64(next))
		r.keys.PutInts(dict.OffsetOfReferencedLowerLevelDirectoryEntity, dicom.VRUL, int64(lower))
		link(r.lower)
	}
}

// appendRecords writes the Directory Record Sequence (0004,1220).
func appendRecords(b []byte, all []*record) ([]byte, error) {
	length := 0
	for _, r := range all {
		length += itemHead + len(r.body)
	}
	b = append(b, 0x04, 0x00, 0x20, 0x12, 'S', 'Q', 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	for _, r := range all {
		b = append(b, 0xFE, 0xFF, 0x00, 0xE0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(r.body)))
		body, err := encoding.Append(nil, encoding.ExplicitLE, &r.keys)
		if err != nil {
			return nil, err
		}
		if len(body) != len(r.body) {
			return nil, fmt.Errorf("write the DICOMDIR: a record changed its length")
		}
		b = append(b, body...)
	}
	return b, nil
}
