package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tresor-pacs/tresor/internal/peers"
)

// newSite returns a client that keeps connections for all clients of a
// measurement, over HTTP/1.1 for all subjects alike. Over TLS it asks whom it
// talks to no further: the load is invented, the address loopback.
func newSite(base, token string) *site {
	transport := &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13},
		TLSNextProto:    map[string]func(string, *tls.Conn) http.RoundTripper{}}
	return &site{base: base, token: token, client: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// startFiles starts a process that serves plain files by net/http over TLS:
// whole studies, and slices.
func (r *run) startFiles(_ context.Context, dir string) (*server, error) {
	ct, err := r.load("ct")
	if err != nil {
		return nil, err
	}
	if err := joinStudies(ct, filepath.Join(dir, "files")); err != nil {
		return nil, err
	}
	port, err := peers.FreePort()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-serve", filepath.Join(dir, "files"), "-serve-at", peers.Address(port),
		"-serve-cert", r.serverTLS.Cert, "-serve-key", r.serverTLS.Key)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{pid: cmd.Process.Pid, stop: func() { end(cmd) }}
	if err := waitReady(bufio.NewScanner(stdout)); err != nil {
		s.stop()
		return nil, err
	}
	s.web = newSite("https://"+peers.Address(port), "")
	s.web.plain = true
	return s, nil
}

// joinStudies makes one file of each study, and links to its slices.
func joinStudies(l *load, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, o := range l.objects {
		study, err := os.OpenFile(filepath.Join(dir, string(o.study)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		file, err := os.Open(o.path)
		if err == nil {
			_, err = io.Copy(study, file)
			file.Close()
		}
		if err := errors.Join(err, study.Close(), os.Link(o.path, filepath.Join(dir, string(o.instance)))); err != nil {
			return err
		}
	}
	return nil
}

// files asks for what the archives answer with whole studies and frames.
func (w *webRun) files(ctx context.Context) error {
	slice := func(n *rand.Rand) string { return "/" + string(w.ct.objects[n.IntN(len(w.ct.objects))].instance) }
	for _, q := range w.questions(0) {
		switch q.name {
		case wholeStudy:
			q.path = func(n *rand.Rand) string { return "/" + string(w.ct.studies[n.IntN(len(w.ct.studies))]) }
		case oneFrame, manyFrames:
			q.path = slice
		default:
			continue
		}
		if err := w.ask(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// fileServer is that process.
type fileServer struct{ dir, at, cert, key string }

func (f fileServer) run(ctx context.Context) error {
	l, err := net.Listen("tcp", f.at)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.FileServer(http.Dir(f.dir)), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { s.Close() })
	fmt.Println("ready")
	if err := s.ServeTLS(l, f.cert, f.key); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
