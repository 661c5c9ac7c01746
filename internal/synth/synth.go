package synth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// Generator makes studies. Its methods may be called at once from many goroutines.
type Generator struct {
	seed uint64
}

// New returns a generator: the same seed makes the same studies.
func New(seed uint64) *Generator { return &Generator{seed: seed} }

// Options say what a study holds. The zero value is a chest CT of 16 slices.
type Options struct {
	// Number tells which study it is: another number, another study.
	Number int
	// Patient tells whose study it is; several studies may share one.
	Patient int
	// Modalities has an entry for each series, in order; see Modalities.
	Modalities []string
	// Count is the number of instances in a series; 0 is the modality's own number.
	Count int
	// Rows and Columns are the size of the pictures; 0 is the modality's own size.
	Rows, Columns int
	// Frames is the number of frames of a multi-frame object; 0 is the modality's own number.
	Frames int
	// CharacterSet is one of CharacterSets.
	CharacterSet string
	// Head makes it the head instead of the chest, where there is a choice.
	Head bool
}

// Validate reports what is wrong with o, for those who take it from a command line.
func (o Options) Validate() error {
	for _, m := range o.Modalities {
		if _, ok := makers[m]; !ok {
			return fmt.Errorf("no modality %q: there are %s", m, strings.Join(Modalities(), ", "))
		}
	}
	if o.CharacterSet != "" && !slices.Contains(CharacterSets(), o.CharacterSet) {
		return fmt.Errorf("no character set %q: there are %s", o.CharacterSet, strings.Join(CharacterSets(), ", "))
	}
	if o.Count < 0 || o.Rows < 0 || o.Columns < 0 || o.Frames < 0 || o.Rows > 1<<15 || o.Columns > 1<<15 {
		return fmt.Errorf("a number of instances, rows, columns or frames is out of range")
	}
	return nil
}

// Modalities returns the modalities for Options.Modalities.
func Modalities() []string { return slices.Sorted(maps.Keys(makers)) }

// Study yields the instances of a study, whole. A modality that is not known yields none.
func (g *Generator) Study(o Options) iter.Seq[*dicom.DataSet] {
	return func(yield func(*dicom.DataSet) bool) {
		for object := range g.Objects(o) {
			if !yield(object.DataSet()) {
				return
			}
		}
	}
}

// Objects yields the instances of a study with pixels that are drawn as they are
// written, for objects too large to be held whole.
func (g *Generator) Objects(o Options) iter.Seq[*Object] {
	s := g.study(o)
	return func(yield func(*Object) bool) {
		for series, modality := range s.Modalities {
			m, ok := makers[modality]
			if !ok {
				continue
			}
			for instance := range orElse(o.Count, m.count) {
				if !yield(s.object(m, modality, series+1, instance+1)) {
					return
				}
			}
		}
	}
}

// StudyUID returns the Study Instance UID of the study with that number.
func (g *Generator) StudyUID(number int) dicom.UID { return g.uid("study", number) }

func orElse(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}

// random returns a source that depends on the seed, a purpose and numbers alone.
func (g *Generator) random(purpose string, numbers ...int) *rand.Rand {
	h := g.hash(purpose, numbers...)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(h[:8]), binary.LittleEndian.Uint64(h[8:16])))
}

// uid returns a UID of the form 2.25.N (PS3.5 section B.2) that depends on the
// seed, a purpose and numbers alone.
func (g *Generator) uid(purpose string, numbers ...int) dicom.UID {
	h := g.hash(purpose, numbers...)
	h[6], h[8] = h[6]&0x0F|0x80, h[8]&0x3F|0x80 // a UUID of version 8
	return dicom.UID("2.25." + new(big.Int).SetBytes(h[:16]).String())
}

func (g *Generator) hash(purpose string, numbers ...int) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%d %s %v", g.seed, purpose, numbers))
}

// study is what the instances of one study share.
type study struct {
	Options
	g       *Generator
	patient Patient
	uid     dicom.UID
	date    string
	time    string
}

func (g *Generator) study(o Options) *study {
	if len(o.Modalities) == 0 {
		o.Modalities = []string{"CT"}
	}
	r := g.random("study", o.Number)
	return &study{Options: o, g: g, patient: g.Patient(o.Patient, o.CharacterSet), uid: g.StudyUID(o.Number),
		date: fmt.Sprintf("%04d%02d%02d", 2015+r.IntN(10), 1+r.IntN(12), 1+r.IntN(28)),
		time: fmt.Sprintf("%02d%02d%02d", 7+r.IntN(12), r.IntN(60), r.IntN(60))}
}

func (s *study) seriesUID(series int) dicom.UID { return s.g.uid("series", s.Number, series) }

func (s *study) instanceUID(series, instance int) dicom.UID {
	return s.g.uid("instance", s.Number, series, instance)
}

func (s *study) frameOfReference() dicom.UID { return s.g.uid("frame of reference", s.Number) }

// random returns a source of its own for each instance.
func (s *study) random(series, instance int) *rand.Rand {
	return s.g.random("instance", s.Number, series, instance)
}

// bodyPart returns Body Part Examined (0018,0015).
func (s *study) bodyPart() string {
	if s.Head {
		return "HEAD"
	}
	return "CHEST"
}

// object makes one instance: what all have in common (PS3.3 sections C.7.1 to
// C.7.5 and C.12.1), and what the modality adds.
func (s *study) object(m maker, modality string, series, instance int) *Object {
	ds := new(dicom.DataSet)
	if terms := s.patient.script.terms; len(terms) > 0 {
		put(ds, dict.SpecificCharacterSet, terms...)
	}
	put(ds, dict.SOPClassUID, string(m.class))
	put(ds, dict.SOPInstanceUID, string(s.instanceUID(series, instance)))
	put(ds, dict.StudyDate, s.date)
	put(ds, dict.SeriesDate, s.date)
	put(ds, dict.ContentDate, s.date)
	put(ds, dict.StudyTime, s.time)
	put(ds, dict.SeriesTime, s.time)
	put(ds, dict.ContentTime, s.time)
	put(ds, dict.AccessionNumber, fmt.Sprintf("A%09d", s.Number))
	put(ds, dict.Modality, m.modality)
	put(ds, dict.Manufacturer, "Synthetic")
	put(ds, dict.InstitutionName, s.patient.script.institution)
	put(ds, dict.ReferringPhysicianName, "Referrer^Rita")
	put(ds, dict.StationName, "PHANTOM1")
	put(ds, dict.StudyDescription, orText(s.patient.script.description, s.bodyPart()+" ROUTINE"))
	put(ds, dict.SeriesDescription, fmt.Sprintf("%s series %d", modality, series))
	put(ds, dict.InstitutionalDepartmentName, "Radiology")
	put(ds, dict.ManufacturerModelName, "Phantom")
	s.patient.fill(ds)
	put(ds, dict.DeviceSerialNumber, "1")
	put(ds, dict.SoftwareVersions, "1")
	put(ds, dict.StudyInstanceUID, string(s.uid))
	put(ds, dict.SeriesInstanceUID, string(s.seriesUID(series)))
	put(ds, dict.StudyID, fmt.Sprint(s.Number))
	put(ds, dict.SeriesNumber, fmt.Sprint(series))
	put(ds, dict.InstanceNumber, fmt.Sprint(instance))
	o := &Object{Header: ds, Class: m.class, Instance: s.instanceUID(series, instance)}
	m.fill(s, o, series, instance)
	return o
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// put adds an element of text with the VR of the registry.
func put(ds *dicom.DataSet, t dicom.Tag, values ...string) {
	must(t, ds.PutString(t, dict.VR(t), values...))
}

// putInt adds an element of binary integers with the VR of the registry.
func putInt(ds *dicom.DataSet, t dicom.Tag, values ...int64) {
	must(t, ds.PutInts(t, dict.VR(t), values...))
}

// must ends the program: all values are of this package's own making, so one
// that does not fit its VR or character set is a mistake in it.
func must(t dicom.Tag, err error) {
	if err != nil {
		panic(fmt.Sprintf("synth: %s: %v", t, err))
	}
}
