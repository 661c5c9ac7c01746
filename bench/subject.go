package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/peers"
)

// aet is who the load says it is.
const aet dicom.AETitle = "BENCH"

// subject is an archive to measure.
type subject struct {
	name    string
	tools   []string // programs it needs
	queries bool     // it answers C-FIND and C-GET
	// start starts it with empty storage below dir.
	start func(ctx context.Context, dir string) (*server, error)
}

// server is a subject that runs.
type server struct {
	port  int
	aet   dicom.AETitle
	tls   *peers.TLS // how to talk to it; nil for plain
	pid   int
	ready time.Duration // from start to ready
	stop  func()
	web   *site // nil if it has none
}

func (r *run) subjects() []subject {
	all := []subject{
		{name: "tresor", queries: true, start: r.startTresor},
		{name: "storescp", tools: []string{"storescp"}, start: r.startPeer(peers.Storescp{})},
		{name: "storescp-tls", tools: []string{"storescp"}, start: r.startPeer(peers.Storescp{TLS: &r.serverTLS})},
		{name: "orthanc", tools: []string{"Orthanc"}, queries: true, start: r.startPeer(peers.Orthanc{})},
		{name: "orthanc-tls", tools: []string{"Orthanc"}, queries: true, start: r.startPeer(peers.Orthanc{TLS: &r.serverTLS})},
	}
	return r.chosen(all)
}

// chosen leaves out what the command line does, and what is not installed.
func (r *run) chosen(all []subject) []subject {
	var wanted []subject
	for _, s := range all {
		if r.only != "" && !strings.Contains(","+r.only+",", ","+s.name+",") {
			continue
		}
		if missing := peers.Missing(s.tools...); len(missing) > 0 {
			fmt.Printf("left out: %s, which needs the Debian package %s\n", s.name, strings.Join(missing, ", "))
			continue
		}
		wanted = append(wanted, s)
	}
	return wanted
}

// startPeer returns how to start a peer of ours.
func (r *run) startPeer(spec peers.Spec) func(context.Context, string) (*server, error) {
	return func(_ context.Context, dir string) (*server, error) {
		began := time.Now()
		p, err := peers.Start(dir, spec)
		if err != nil {
			return nil, err
		}
		s := &server{port: p.Port, aet: dicom.AETitle(p.AET), pid: p.PID(), ready: time.Since(began), stop: p.Stop}
		switch spec := spec.(type) {
		case peers.Storescp:
			if spec.TLS != nil {
				s.tls = &r.clientTLS
			}
		case peers.Orthanc:
			if spec.TLS != nil {
				s.tls = &r.clientTLS
			}
			if spec.DICOMweb {
				s.web = newSite("http://"+peers.Address(p.HTTP)+"/dicom-web", "")
			}
		}
		return s, nil
	}
}

// startTresor starts the archive with one device, in its default configuration.
func (r *run) startTresor(ctx context.Context, dir string) (*server, error) {
	device, data := filepath.Join(dir, "device"), filepath.Join(dir, "data")
	out, err := exec.CommandContext(ctx, r.binary, "device", "add", "bench", "--aet", string(aet),
		"--allow", "echo,store,find,get", "--out", device, "--dir", data).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("tresor device add: %w\n%s", err, out)
	}
	port, err := peers.FreePort()
	if err != nil {
		return nil, err
	}
	https, err := peers.FreePort()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(r.binary, "serve", "--dir", data, "--dicom", peers.Address(port), "--https", peers.Address(https))
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	files := peers.FromDir(device)
	s := &server{port: port, aet: "TRESOR", tls: &files, pid: cmd.Process.Pid, stop: func() { end(cmd) }}
	if err := waitReady(bufio.NewScanner(stdout)); err != nil {
		s.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%w\n%s", err, said)
	}
	s.ready = time.Since(began)
	if strings.Contains(r.parts, "web") {
		token, err := r.token(ctx, data)
		if err != nil {
			s.stop()
			return nil, err
		}
		s.web = newSite("https://"+peers.Address(https)+"/dicom-web", token)
	}
	return s, nil
}

// token makes a user and returns a token of hers.
func (r *run) token(ctx context.Context, data string) (string, error) {
	add := exec.CommandContext(ctx, r.binary, "user", "add", "bench", "--role", "radiologist", "--password-stdin", "--dir", data)
	add.Stdin = strings.NewReader("bench and nothing else 1\n")
	if out, err := add.CombinedOutput(); err != nil {
		return "", fmt.Errorf("tresor user add: %w\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, r.binary, "token", "create", "--user", "bench", "--dir", data).Output()
	if err != nil {
		return "", fmt.Errorf("tresor token create: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// waitReady reads lines up to the one that begins with "ready", and drops the rest.
func waitReady(lines *bufio.Scanner) error {
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready") {
			go func() {
				for lines.Scan() {
				}
			}()
			return nil
		}
	}
	return errors.New("tresor serve ended before it was ready")
}

func end(cmd *exec.Cmd) {
	cmd.Process.Signal(syscall.SIGTERM)
	t := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
	defer t.Stop()
	cmd.Wait()
}

// dial opens a connection, with TLS if the subject has it.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", peers.Address(s.port))
	if err != nil || s.tls == nil {
		return conn, err
	}
	config, err := clientConfig(*s.tls)
	if err != nil {
		conn.Close()
		return nil, err
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// clientConfig trusts the certificate authority whatever name the server's
// certificate has, as DCMTK does.
func clientConfig(files peers.TLS) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(files.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", files.CA)
	}
	return &tls.Config{
		Certificates:       []tls.Certificate{pair},
		InsecureSkipVerify: true, // the chain is verified below, the name is not
		VerifyConnection: func(c tls.ConnectionState) error {
			o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
			for _, cert := range c.PeerCertificates[1:] {
				o.Intermediates.AddCert(cert)
			}
			_, err := c.PeerCertificates[0].Verify(o)
			return err
		},
	}, nil
}

// storescu returns the command line of DCMTK's client for a list of files.
func (s *server) storescu(files []string) []string {
	args := []string{"-R", "-aet", string(aet), "-aec", string(s.aet)}
	if s.tls != nil {
		args = append(args, s.tls.DCMTK()...)
	}
	return append(append(args, "127.0.0.1", strconv.Itoa(s.port)), files...)
}
