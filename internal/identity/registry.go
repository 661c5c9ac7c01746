package identity

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
)

// registry is the content of the registry's file. Version grows by one with
// each change.
type registry struct {
	Version uint64   `json:"version"`
	Devices []Device `json:"devices"`
}

func (r *registry) find(name string) *Device {
	for i := range r.Devices {
		if r.Devices[i].Name == name {
			return &r.Devices[i]
		}
	}
	return nil
}

// snapshot is a registry that does not change any more, with its indexes.
type snapshot struct {
	version uint64
	devices []*Device // by name
	byName  map[string]*Device
	byAET   map[dicom.AETitle]*Device
	byCert  map[string]enrolled // by fingerprint
}

// enrolled is one certificate of a device.
type enrolled struct {
	device *Device
	cert   *Certificate
}

func newSnapshot(r *registry) *snapshot {
	s := &snapshot{
		version: r.Version, byName: map[string]*Device{},
		byAET: map[dicom.AETitle]*Device{}, byCert: map[string]enrolled{},
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		s.devices = append(s.devices, d)
		s.byName[d.Name] = d
		for _, aet := range d.AETitles {
			s.byAET[aet] = d
		}
		for j := range d.Certificates {
			s.byCert[d.Certificates[j].Fingerprint] = enrolled{d, &d.Certificates[j]}
		}
	}
	slices.SortFunc(s.devices, func(a, b *Device) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

func (s *Store) snapshot() *snapshot { return s.current.Load() }

// Device returns the device with the name as it is now. The result is shared:
// it must not be changed.
func (s *Store) Device(name string) (*Device, bool) {
	d, ok := s.snapshot().byName[name]
	return d, ok
}

// Destination returns the enabled device that has the AE title and an address.
// The result is shared: it must not be changed.
func (s *Store) Destination(aet dicom.AETitle) (*Device, bool) {
	d, ok := s.snapshot().byAET[aet]
	if !ok || d.Disabled || d.Address == "" {
		return nil, false
	}
	return d, true
}

// List returns all devices by name.
func (s *Store) List() []Device {
	devices := s.snapshot().devices
	list := make([]Device, len(devices))
	for i, d := range devices {
		list[i] = d.Clone()
	}
	return list
}

// Changed returns a channel that is closed at the next change of the registry.
// After it is closed, ask again and look at what may have changed.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Err returns why the newest state of the registry could not be taken over, nil
// if it was. Until then the last good state is in force.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

func (s *Store) stat() (fs.FileInfo, error) { return os.Stat(filepath.Join(s.dir, registryFile)) }

func (s *Store) load() (*registry, error) {
	r := new(registry)
	if err := s.readSealed(registryFile, r); err != nil {
		return nil, err
	}
	if len(r.Devices) > maxDevices {
		return nil, fmt.Errorf("%s: more than %d devices", registryFile, maxDevices)
	}
	return r, nil
}

// poll looks at the registry's file: each change makes a new one (a rename), so
// one stat tells. Polling works on every file system; notification does not.
func (s *Store) poll(every time.Duration, seen fs.FileInfo) {
	defer close(s.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	renew := time.NewTicker(time.Hour)
	defer renew.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-renew.C:
			s.renewOwn()
		case <-tick.C:
			now, err := s.stat()
			if err == nil && seen != nil && os.SameFile(now, seen) && now.ModTime().Equal(seen.ModTime()) && now.Size() == seen.Size() {
				continue
			}
			if err == nil || seen != nil { // a file that stays away is reported once
				s.refresh(err)
			}
			seen = now
		}
	}
}

// refresh takes over the registry's newest state. A damaged or older one is
// reported, and the state before stays in force: revocations must not be undone
// by putting an old file back.
func (s *Store) refresh(err error) {
	var r *registry
	if err == nil {
		r, err = s.load()
	}
	if err == nil {
		err = s.adopt(r)
	}
	s.mu.Lock()
	s.failure = err
	s.mu.Unlock()
	if err != nil {
		s.log.Error("the registry of devices cannot be read; its last state stays in force", "error", err)
	}
}

// errOlder says that the registry's file went back in time.
var errOlder = errors.New("the registry of devices was replaced by an older one")

// adopt makes r the current state and wakes those who wait for a change.
func (s *Store) adopt(r *registry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.snapshot()
	if r.Version < old.version {
		return errOlder
	}
	if r.Version == old.version {
		return nil
	}
	s.current.Store(newSnapshot(r))
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// update changes the registry: f gets the newest state. On return the change is
// durable and in force in this process.
func (s *Store) update(f func(r *registry) error) error {
	lock, err := s.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	r, err := s.load()
	if err != nil {
		return err
	}
	if r.Version < s.snapshot().version {
		return errOlder
	}
	if err := f(r); err != nil {
		return err
	}
	if err := s.check(r); err != nil {
		return err
	}
	r.Version++
	if err := s.writeSealed(registryFile, r); err != nil {
		return err
	}
	return s.adopt(r)
}

// check says what is wrong with the registry as a whole.
func (s *Store) check(r *registry) error {
	if len(r.Devices) > maxDevices {
		return fmt.Errorf("there are more than %d devices", maxDevices)
	}
	names := map[string]bool{}
	for i := range r.Devices {
		names[r.Devices[i].Name] = true
	}
	titles := map[dicom.AETitle]string{s.aet: "the archive"}
	certs := map[string]string{}
	for i := range r.Devices {
		d := &r.Devices[i]
		for _, aet := range d.AETitles {
			if other, taken := titles[aet]; taken {
				return fmt.Errorf("device %s: the AE title %s belongs to %s", d.Name, aet, other)
			}
			titles[aet] = d.Name
		}
		for _, c := range d.Certificates {
			if other, taken := certs[c.Fingerprint]; taken {
				return fmt.Errorf("device %s: the certificate belongs to %s", d.Name, other)
			}
			certs[c.Fingerprint] = d.Name
		}
		for _, to := range d.Destinations {
			if !names[to] {
				return fmt.Errorf("device %s: there is no device %q to send to", d.Name, to)
			}
		}
	}
	return nil
}
