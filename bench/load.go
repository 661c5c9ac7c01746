package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/dicom/ul"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// object is one file to send.
type object struct {
	path            string
	class, instance dicom.UID
	study, series   dicom.UID
	offset, size    int64 // of the data set
}

// load is a set of files, all in explicit VR little endian.
type load struct {
	name    string
	objects []object
	bytes   int64
	studies []dicom.UID
}

// load makes the files of that name, once in a run.
func (r *run) load(name string) (*load, error) {
	if l := r.loads[name]; l != nil {
		return l, nil
	}
	l := &load{name: name}
	dir := filepath.Join(r.dir, "load", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	fmt.Printf("making the load %s\n", name)
	g := synth.New(20)
	for n := 1; len(l.objects) < r.wanted(name); n++ {
		o := loadOptions(name, n, r.wanted(name)-len(l.objects))
		for object := range g.Objects(o) {
			if err := l.add(object, filepath.Join(dir, fmt.Sprintf("%06d.dcm", len(l.objects)))); err != nil {
				return nil, err
			}
		}
		l.studies = append(l.studies, l.objects[len(l.objects)-1].study)
	}
	r.loads[name] = l
	return l, nil
}

func (r *run) wanted(name string) int {
	return map[string]int{"ct": r.ct, "small": r.small, "big": r.big, "long": 1000}[name]
}

// loadOptions returns study number n of a load: 100 CT slices of 0.5 MB, 100
// objects of 10 KB, one object of 100 MB, or a series of 1,000 small slices.
func loadOptions(name string, n, left int) synth.Options {
	o := synth.Options{Number: n, Patient: n, Count: min(left, 100)}
	switch name {
	case "small":
		o.Modalities, o.Rows, o.Columns = []string{"MR"}, 64, 64
	case "big":
		o.Modalities, o.Count, o.Rows, o.Columns, o.Frames = []string{"XA"}, 1, 1024, 1024, 100
	case "long":
		o.Modalities, o.Number, o.Count, o.Rows, o.Columns = []string{"CT"}, 1_000_000+n, left, 64, 64
	default:
		o.Modalities = []string{"CT"}
	}
	return o
}

func (l *load) add(o *synth.Object, path string) error {
	if err := o.WriteFile(path, dict.UIDExplicitVRLittleEndian); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if _, _, err := encoding.ReadMeta(in); err != nil {
		return err
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	offset := at - int64(in.Buffered())
	study, series := o.Header.UID(dict.StudyInstanceUID), o.Header.UID(dict.SeriesInstanceUID)
	l.objects = append(l.objects, object{path, o.Class, o.Instance, study, series, offset, info.Size() - offset})
	l.bytes += info.Size() - offset
	return nil
}

// shares deals the files out to k associations.
func (l *load) shares(k int) [][]object {
	shares := make([][]object, k)
	for i, o := range l.objects {
		shares[i%k] = append(shares[i%k], o)
	}
	return shares
}

// connect requests an association with the SOP classes in explicit VR little
// endian; roles are the classes in which we take C-STORE ourselves.
func connect(ctx context.Context, s *server, classes []dicom.UID, roles ...dicom.UID) (*dimse.Client, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	o := ul.RequestOptions{Called: s.aet, Calling: aet}
	for _, c := range append(classes, roles...) {
		o.Contexts = append(o.Contexts, ul.ProposedContext{AbstractSyntax: c, TransferSyntaxes: []dicom.UID{dict.UIDExplicitVRLittleEndian}})
	}
	for _, c := range roles {
		o.Roles = append(o.Roles, ul.RoleSelection{SOPClass: c, SCP: true})
	}
	a, err := ul.Request(ctx, conn, o)
	if err != nil {
		return nil, err
	}
	return dimse.NewClient(a, dimse.ClientOptions{}), nil
}

// send stores one file.
func send(ctx context.Context, c *dimse.Client, o object) error {
	f, err := os.Open(o.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return store(ctx, c, o.class, o.instance, io.NewSectionReader(f, o.offset, o.size))
}

// store stores one data set in explicit VR little endian.
func store(ctx context.Context, c *dimse.Client, class, instance dicom.UID, data io.Reader) error {
	result, err := c.Store(ctx, dimse.StoreRequest{SOPClass: class, SOPInstance: instance,
		TransferSyntax: dict.UIDExplicitVRLittleEndian, DataSet: data})
	if err != nil {
		return err
	}
	if !result.Status.IsSuccess() {
		return fmt.Errorf("C-STORE: %w", result.Status)
	}
	return nil
}
