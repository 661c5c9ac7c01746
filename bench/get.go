package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/dimse"
)

// gets fetches whole studies of 100 CT slices by C-GET, one after the other, on
// one association.
func (r *run) gets(ctx context.Context) error {
	l, err := r.load("ct")
	if err != nil {
		return err
	}
	for _, s := range r.subjects() {
		if !s.queries {
			continue
		}
		err := r.with(ctx, s, func(srv *server) error {
			if err := sendAll(ctx, srv, l, ours, 4); err != nil {
				return err
			}
			result, err := fetch(ctx, srv, l, s.name)
			if err != nil {
				return err
			}
			r.got = append(r.got, result)
			fmt.Printf("C-GET: %-13s %s\n", s.name, result)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rounds is how often each study is fetched.
const rounds = 3

func fetch(ctx context.Context, srv *server, l *load, name string) (getResult, error) {
	c, err := connect(ctx, srv, []dicom.UID{dict.UIDStudyRootQueryRetrieveInformationModelGet}, dict.UIDCTImageStorage)
	if err != nil {
		return getResult{}, err
	}
	result := getResult{subject: name}
	var speeds []float64
	u, err := watch(srv, func() error {
		for range rounds {
			for _, study := range l.studies {
				began := time.Now()
				objects, bytes, err := getStudy(ctx, c, study)
				if err != nil {
					return err
				}
				result.objects += objects
				result.bytes += bytes
				speeds = append(speeds, float64(bytes)/time.Since(began).Seconds())
			}
		}
		return nil
	})
	if err != nil {
		c.Association().Abort()
		return result, err
	}
	if want := rounds * len(l.objects); result.objects != want {
		return result, fmt.Errorf("%d objects came, not %d", result.objects, want)
	}
	slices.Sort(speeds)
	result.usage, result.median = u, speeds[len(speeds)/2]
	return result, c.Close(ctx)
}

func getStudy(ctx context.Context, c *dimse.Client, study dicom.UID) (objects int, bytes int64, err error) {
	id := new(dicom.DataSet)
	if err := id.PutString(dict.QueryRetrieveLevel, dicom.VRCS, "STUDY"); err != nil {
		return 0, 0, err
	}
	id.PutUID(dict.StudyInstanceUID, study)
	take := dimse.HandlerFunc(func(_ context.Context, rw dimse.ResponseWriter, req *dimse.Request) error {
		n, err := io.Copy(io.Discard, req.DataSet)
		if err != nil {
			return err
		}
		objects, bytes = objects+1, bytes+n
		return rw.Respond(dimse.Response{Status: dimse.StatusSuccess})
	})
	result, err := c.Get(ctx, dimse.QueryRequest{SOPClass: dict.UIDStudyRootQueryRetrieveInformationModelGet, Identifier: id}, take)
	if err != nil {
		return 0, 0, err
	}
	if !result.Status.IsSuccess() {
		return 0, 0, fmt.Errorf("C-GET: %w", result.Status)
	}
	return objects, bytes, nil
}
