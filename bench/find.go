package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// people is how many patients the studies for C-FIND belong to.
const people = 60000

// population makes the studies: each one small object.
var population = synth.New(21)

func populationStudy(i int) synth.Options {
	modality := []string{"CT", "MR", "CR", "SC"}[i%4]
	return synth.Options{Number: i, Patient: i * 7919 % people, Modalities: []string{modality}, Count: 1, Rows: 8, Columns: 8}
}

// populationClasses are the SOP classes of those objects.
var populationClasses = []dicom.UID{dict.UIDCTImageStorage, dict.UIDMRImageStorage,
	dict.UIDComputedRadiographyImageStorage, dict.UIDSecondaryCaptureImageStorage}

// finds fills each subject step by step through C-STORE and measures C-FIND at
// each size.
func (r *run) finds(ctx context.Context) error {
	for _, s := range r.subjects() {
		if !s.queries {
			continue
		}
		err := r.with(ctx, s, func(srv *server) error {
			deadline, done := time.Now().Add(r.fill), 0
			for _, size := range r.sizes {
				began := time.Now()
				n, err := fill(ctx, srv, done, size, deadline)
				if err != nil {
					return err
				}
				fmt.Printf("C-FIND: %s filled with %d studies, %.0f a second\n", s.name, done+n, float64(n)/time.Since(began).Seconds())
				if done += n; done < size {
					fmt.Printf("C-FIND: %s is left at %d studies: the time to fill it is up\n", s.name, done)
				}
				if err := r.findAt(ctx, s.name, srv, done); err != nil {
					return err
				}
				if done < size {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fill stores the studies from up to size over eight associations and returns
// how many it came to before the deadline.
func fill(ctx context.Context, srv *server, from, size int, deadline time.Time) (int, error) {
	const associations = 8
	var next, stored atomic.Int64
	next.Store(int64(from))
	errs := make([]error, associations)
	var workers sync.WaitGroup
	for w := range associations {
		workers.Go(func() {
			c, err := connect(ctx, srv, populationClasses)
			if err != nil {
				errs[w] = err
				return
			}
			for time.Now().Before(deadline) {
				i := int(next.Add(1)) - 1
				if i >= size {
					break
				}
				if err := storeSynthetic(ctx, c, population, populationStudy(i)); err != nil {
					c.Association().Abort()
					errs[w] = err
					return
				}
				stored.Add(1)
			}
			errs[w] = c.Close(ctx)
		})
	}
	workers.Wait()
	return int(stored.Load()), errors.Join(errs...)
}

// storeSynthetic makes a study and stores it.
func storeSynthetic(ctx context.Context, c *dimse.Client, g *synth.Generator, o synth.Options) error {
	var b bytes.Buffer
	for object := range g.Objects(o) {
		b.Reset()
		if err := object.Write(&b, encoding.ExplicitLE); err != nil {
			return err
		}
		if err := store(ctx, c, object.Class, object.Instance, &b); err != nil {
			return err
		}
	}
	return nil
}

// A question makes the keys of one kind of query.
type question struct {
	name string
	keys func(ds *dicom.DataSet, r *rand.Rand, studies int) error
}

var questions = []question{
	{"patient ID", func(ds *dicom.DataSet, r *rand.Rand, studies int) error {
		p := population.Patient(populationStudy(r.IntN(studies)).Patient, "")
		return ds.PutString(dict.PatientID, dicom.VRLO, p.ID)
	}},
	{"a week", func(ds *dicom.DataSet, r *rand.Rand, _ int) error {
		day := time.Date(2015+r.IntN(10), time.Month(1+r.IntN(12)), 1+r.IntN(20), 0, 0, 0, 0, time.UTC)
		return ds.PutString(dict.StudyDate, dicom.VRDA, day.Format("20060102")+"-"+day.AddDate(0, 0, 6).Format("20060102"))
	}},
	{"name Sm*", func(ds *dicom.DataSet, _ *rand.Rand, _ int) error {
		return ds.PutString(dict.PatientName, dicom.VRPN, "Sm*")
	}},
	{"name *zanri*", func(ds *dicom.DataSet, r *rand.Rand, _ int) error {
		middle := []string{"zanri", "melko", "frahu", "durpe"}[r.IntN(4)]
		return ds.PutString(dict.PatientName, dicom.VRPN, "*"+middle+"*")
	}},
}

// questionTime and questionCount bound how long one kind of query is asked.
const (
	questionTime  = 10 * time.Second
	questionCount = 200
)

func (r *run) findAt(ctx context.Context, name string, srv *server, studies int) error {
	c, err := connect(ctx, srv, []dicom.UID{dict.UIDStudyRootQueryRetrieveInformationModelFind})
	if err != nil {
		return err
	}
	for _, q := range questions {
		result, err := ask(ctx, c, q, studies)
		if err != nil {
			c.Association().Abort()
			return fmt.Errorf("C-FIND by %s: %w", q.name, err)
		}
		result.subject = name
		r.found = append(r.found, result)
		fmt.Printf("C-FIND at %6d by %-12s %-13s %s\n", studies, q.name, name, result)
	}
	return c.Close(ctx)
}

func ask(ctx context.Context, c *dimse.Client, q question, studies int) (findResult, error) {
	random := rand.New(rand.NewPCG(42, uint64(studies)))
	result := findResult{question: q.name, studies: studies}
	var took []time.Duration
	const warm = 2
	until := time.Now().Add(questionTime)
	for n := 0; n < questionCount+warm && (n < warm+3 || time.Now().Before(until)); n++ {
		id, err := identifier()
		if err != nil {
			return result, err
		}
		if err := q.keys(id, random, studies); err != nil {
			return result, err
		}
		began := time.Now()
		matches := 0
		for _, err := range c.Find(ctx, dimse.QueryRequest{SOPClass: dict.UIDStudyRootQueryRetrieveInformationModelFind, Identifier: id}) {
			if err != nil {
				return result, err
			}
			matches++
		}
		if n >= warm {
			took = append(took, time.Since(began))
			result.matches += matches
		}
	}
	slices.Sort(took)
	result.queries = len(took)
	result.p50, result.p95 = took[len(took)/2], took[min(len(took)-1, len(took)*95/100)]
	return result, nil
}

// identifier returns the keys that a work list of studies asks for.
func identifier() (*dicom.DataSet, error) {
	id := new(dicom.DataSet)
	if err := id.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY"); err != nil {
		return nil, err
	}
	for _, t := range []dicom.Tag{dict.StudyDate, dict.StudyTime, dict.AccessionNumber, dict.ModalitiesInStudy,
		dict.StudyDescription, dict.PatientName, dict.PatientID, dict.PatientBirthDate, dict.StudyInstanceUID, dict.NumberOfStudyRelatedInstances} {
		id.Put(dicom.Element{Tag: t, VR: dict.VR(t)})
	}
	return id, nil
}
