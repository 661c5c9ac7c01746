package identity

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/durable"
)

// The names of the files. All but CAFile lie in the folder "identity".
const (
	CAFile       = "ca.pem" // certificate of the enrolment CA, for peers
	folder       = "identity"
	lockFile     = "lock"
	registryFile = "devices.sealed"
	caFile       = "ca.sealed"
	serverFile   = "server.sealed" // key and certificate of the listeners
	clientFile   = "client.sealed" // key and certificate of associations that we request
)

// Options for Open; the zero value is what an archive uses.
type Options struct {
	AET   dicom.AETitle    // the archive's own, which no device may have; "": TRESOR
	Names []string         // host names and addresses that the server's certificate has beside those of this host
	Poll  time.Duration    // how often the registry is looked at; 0: 200 ms
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: slog.Default
}

// Store is the registry of devices and the enrolment CA of one archive. Its
// methods may be called at once from many goroutines.
type Store struct {
	dir   string // the folder
	root  string // what holds the folder and CAFile
	box   Box
	aet   dicom.AETitle
	names []string
	now   func() time.Time
	log   *slog.Logger

	ca      *authority
	current atomic.Pointer[snapshot]
	own     [2]ownPair // by role

	mu      sync.Mutex
	changed chan struct{} // closed when the snapshot changes
	failure error         // why the registry's newest state could not be taken over

	stop chan struct{}
	done chan struct{}
}

// Open opens the registry and the CA below dir and makes them at the first
// start. It follows changes by other processes until Close.
func Open(dir string, box Box, o Options) (*Store, error) {
	if box == nil {
		return nil, errors.New("identity: a key is needed")
	}
	s := &Store{
		root: dir, dir: filepath.Join(dir, folder), box: box, aet: o.AET, names: o.Names, now: o.Now, log: o.Log,
		changed: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if s.aet == "" {
		s.aet = "TRESOR"
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if o.Poll <= 0 {
		o.Poll = 200 * time.Millisecond
	}
	seen, err := s.begin()
	if err != nil {
		return nil, fmt.Errorf("identity: open: %w", err)
	}
	go s.poll(o.Poll, seen)
	return s, nil
}

// begin loads or makes the registry and the CA, in this order: a registry
// without devices may lack its CA because the first start broke off.
func (s *Store) begin() (fs.FileInfo, error) {
	if err := durable.MkdirAll(durable.OS, s.dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	ca, caErr := s.loadCA()
	if caErr != nil && !errors.Is(caErr, fs.ErrNotExist) {
		return nil, caErr
	}
	seen, err := s.stat()
	if errors.Is(err, fs.ErrNotExist) && caErr == nil {
		return nil, fmt.Errorf("%s is gone: restore it from a backup", registryFile)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.writeSealed(registryFile, &registry{}); err != nil {
			return nil, err
		}
		seen, err = s.stat()
	}
	if err != nil {
		return nil, err
	}
	r, err := s.load()
	if err != nil {
		return nil, err
	}
	if caErr != nil {
		if len(r.Devices) > 0 {
			return nil, fmt.Errorf("%s is gone: restore it from a backup", caFile)
		}
		if ca, err = s.createCA(); err != nil {
			return nil, err
		}
	}
	s.ca = ca
	s.current.Store(newSnapshot(r))
	return seen, s.publishCA()
}

// lock keeps other processes from changing anything. Closing gives it back.
func (s *Store) lock() (interface{ Close() error }, error) {
	return durable.OS.Lock(filepath.Join(s.dir, lockFile), true)
}

// Close ends the watch of the registry.
func (s *Store) Close() error {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	<-s.done
	return nil
}

// CA returns the certificate of the enrolment CA.
func (s *Store) CA() *x509.Certificate { return s.ca.cert }

// CAPEM returns the certificate of the enrolment CA for peers.
func (s *Store) CAPEM() []byte { return certPEM(s.ca.cert.Raw) }
