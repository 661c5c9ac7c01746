package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/policy"
	"github.com/tresor-pacs/tresor/internal/synth"
)

// TestWebSpeed measures what a viewer waits for. It runs where TRESOR_SPEED is
// set and judges nothing: machines differ.
func TestWebSpeed(t *testing.T) {
	if os.Getenv("TRESOR_SPEED") == "" {
		t.Skip("skipped: TRESOR_SPEED is not set")
	}
	const slices1 = 1000
	r := start(t)
	secret, _ := r.user(t, "erika", policy.Radiologist)
	b := r.browser(t, secret)
	pr, pw := io.Pipe()
	var uids []string
	var series string
	go func() {
		for object := range synth.New(1).Objects(synth.Options{Count: slices1, Rows: 256, Columns: 256}) {
			var file bytes.Buffer
			head, _ := encoding.AppendMeta(nil, encoding.NewMeta(object.Class, object.Instance, encoding.ExplicitLE.UID))
			file.WriteString("--B\r\nContent-Type: application/dicom\r\n\r\n")
			file.Write(head)
			object.Write(&file, encoding.ExplicitLE)
			file.WriteString("\r\n")
			uids = append(uids, string(object.Instance))
			series = "/dicom-web/studies/" + string(object.Header.UID(dict.StudyInstanceUID)) + "/series/" + string(object.Header.UID(dict.SeriesInstanceUID))
			pw.Write(file.Bytes())
		}
		io.WriteString(pw, "--B--\r\n")
		pw.Close()
	}()
	began := time.Now()
	if a, body := b.do("POST", "/dicom-web/studies", pr, "Content-Type", `multipart/related; type="application/dicom"; boundary=B`); a.StatusCode != 200 {
		t.Fatalf("%d %.300s", a.StatusCode, body)
	}
	t.Logf("STOW: %d instances, %.0f MB/s", slices1, float64(slices1)*256*256*2/1e6/time.Since(began).Seconds())
	t.Log("metadata of the series:", median(20, func() { b.do("GET", series+"/metadata", nil) }))
	t.Log("QIDO by study:", median(50, func() { b.do("GET", "/dicom-web/studies?limit=101", nil) }))
	one := func(i int) {
		b.do("GET", series+"/instances/"+uids[i%slices1]+"/frames/1", nil, "Accept", `multipart/related; type="application/octet-stream"; transfer-syntax=*`)
	}
	t.Log("a frame:", median(200, func() { one(7) }))
	for _, clients := range []int{1, 16} {
		began := time.Now()
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				for i := range 1600 / clients {
					one(c*100 + i)
				}
			})
		}
		wg.Wait()
		t.Logf("frames with %d clients: %.0f/s", clients, 1600/time.Since(began).Seconds())
	}
	began = time.Now()
	req, _ := http.NewRequestWithContext(context.Background(), "GET", b.root+series, nil)
	req.Header.Set("Authorization", "Bearer "+secret)
	a, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, a.Body)
	a.Body.Close()
	t.Log(fmt.Sprintf("the series: %.0f MB/s", float64(n)/1e6/time.Since(began).Seconds()), err)
}

func median(n int, f func()) time.Duration {
	var all []time.Duration
	for range n {
		began := time.Now()
		f()
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[n/2]
}
