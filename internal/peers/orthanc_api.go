package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// API drives an Orthanc through its HTTP interface: as sender, as querier.
type API struct {
	base   string
	client *http.Client
}

// API returns the interface of a peer that is an Orthanc.
func (p *Peer) API() *API {
	return &API{base: "http://" + Address(p.HTTP), client: &http.Client{Timeout: limit}}
}

// Do makes a request; body is sent as it is if it is bytes, else as JSON; the
// answer is decoded into out unless that is nil.
func (a *API) Do(method, path string, body, out any) error {
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return err
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequest(method, a.base+path, r)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("orthanc: %s %s: %s: %s", method, path, resp.Status, tail(string(answer), 1000))
	}
	switch o := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*o = answer
		return nil
	default:
		return json.Unmarshal(answer, o)
	}
}

// Know makes a modality known under a name.
func (a *API) Know(name string, m Modality) error {
	return a.Do("PUT", "/modalities/"+name, m.orthanc(), nil)
}

// Upload gives Orthanc a file and returns Orthanc's own name for the instance.
func (a *API) Upload(file []byte) (string, error) {
	var r struct{ ID string }
	err := a.Do("POST", "/instances", file, &r)
	return r.ID, err
}

// Echo makes Orthanc send a C-ECHO.
func (a *API) Echo(modality string) error {
	return a.Do("POST", "/modalities/"+modality+"/echo", map[string]any{}, nil)
}

// Store makes Orthanc send instances by C-STORE and returns how many failed.
func (a *API) Store(modality string, instances ...string) (failed int, err error) {
	var r struct{ FailedInstancesCount int }
	err = a.Do("POST", "/modalities/"+modality+"/store",
		map[string]any{"Resources": instances, "Synchronous": true, "Permissive": true}, &r)
	return r.FailedInstancesCount, err
}

// Query makes Orthanc send a C-FIND and returns its name for the query and the
// answers, each by keyword.
func (a *API) Query(modality, level string, keys map[string]string) (id string, answers []map[string]any, err error) {
	var r struct{ ID string }
	if err := a.Do("POST", "/modalities/"+modality+"/query", map[string]any{"Level": level, "Query": keys}, &r); err != nil {
		return "", nil, err
	}
	err = a.Do("GET", "/queries/"+r.ID+"/answers?expand&simplify", nil, &answers)
	return r.ID, answers, err
}

// Retrieve makes Orthanc send a C-MOVE for all answers of a query.
func (a *API) Retrieve(query, destination string) error {
	return a.Do("POST", "/queries/"+query+"/retrieve", map[string]any{"TargetAet": destination, "Synchronous": true}, nil)
}

// Instances returns Orthanc's own names for all that it holds.
func (a *API) Instances() (list []string, err error) {
	err = a.Do("GET", "/instances", nil, &list)
	return list, err
}

// WaitInstances waits until Orthanc holds n instances.
func (a *API) WaitInstances(n int, within time.Duration) error {
	deadline := time.Now().Add(within)
	for {
		list, err := a.Instances()
		if err != nil || len(list) >= n {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("orthanc holds %d instances, not %d", len(list), n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// File returns the file of an instance.
func (a *API) File(instance string) (file []byte, err error) {
	err = a.Do("GET", "/instances/"+instance+"/file", nil, &file)
	return file, err
}
