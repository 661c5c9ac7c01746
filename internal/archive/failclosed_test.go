package archive_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// operations calls every method of a Session that does something or answers
// with something. A method that is added without a row fails the test below.
var operations = map[string]func(ctx context.Context, t *testing.T, s *archive.Session) error{
	"Store": func(ctx context.Context, t *testing.T, s *archive.Session) error {
		_, err := s.Store(ctx, incoming("1.2.3.5", instance(t, "1.2.3", "1.2.3.5", nil)))
		return err
	},
	"Find": func(ctx context.Context, t *testing.T, s *archive.Session) error {
		for ds, err := range s.Find(ctx, studyQuery("1.2.3")) {
			if ds != nil {
				t.Error("Find answered")
			}
			return err
		}
		return nil
	},
	"Retrieve": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, err := s.Retrieve(ctx, studyQuery("1.2.3"))
		return err
	},
	"RetrieveFor": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, err := s.RetrieveFor(ctx, studyQuery("1.2.3"), "ws1")
		return err
	},
	"Export": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, err := s.Export(ctx, studyQuery("1.2.3"))
		return err
	},
	"Access": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, err := s.Access(ctx, studyQuery("1.2.3"))
		return err
	},
	"AccessSome": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, err := s.AccessSome(ctx, studyQuery("1.2.3"), func(e []archive.Entry) []archive.Entry { return e })
		return err
	},
	"Commitment": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, err := s.Commitment(ctx, []archive.Ref{{SOPClass: dict.UIDSecondaryCaptureImageStorage, Instance: "1.2.3.4"}})
		return err
	},
	"Erase": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, err := s.Erase(ctx, "1.2.3")
		return err
	},
	"Facts": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		for _, err := range s.Facts(ctx, "") {
			return err
		}
		return nil
	},
	"Quarantine": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		for _, err := range s.Quarantine(ctx) {
			return err
		}
		return nil
	},
	"Compare": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		_, _, err := s.Compare(ctx, aside)
		return err
	},
	"Drop":    func(ctx context.Context, _ *testing.T, s *archive.Session) error { return s.Drop(ctx, aside) },
	"Replace": func(ctx context.Context, _ *testing.T, s *archive.Session) error { return s.Replace(ctx, aside) },
	"ReadTrailFor": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		for _, err := range s.ReadTrailFor(ctx, audit.Filter{}, audit.Event{Code: audit.AuditLogUsed}) {
			return err
		}
		return nil
	},
	"ReadTrail": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		for _, err := range s.ReadTrail(ctx, audit.Filter{}) {
			return err
		}
		return nil
	},
	"Authorise": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		return s.Authorise(ctx, policy.Manage, audit.Event{Code: audit.SecurityConfiguration})
	},
	"Note": func(ctx context.Context, _ *testing.T, s *archive.Session) error {
		return s.Note(ctx, audit.Event{Code: audit.SecurityAlert})
	},
}

// silent are the methods that neither act nor tell anything of what is stored:
// Arrivals only says that it is worth to search again, and the search is written.
var silent = map[string]bool{"From": true, "Principal": true, "Arrivals": true}

var aside = &archive.Quarantined{Entry: archive.Entry{Study: "1.2.3", Series: "1.2.3.1", Instance: "1.2.3.4", SOPClass: dict.UIDSecondaryCaptureImageStorage}}

// almighty holds every right that there is: nothing but the trail stands in its way.
func almighty() policy.Principal {
	p := policy.Principal{Kind: policy.User, Name: "everybody", Rights: append([]policy.Right{}, policy.DeviceRights...), Destinations: []string{"ws1"}}
	for _, r := range policy.Roles {
		p.Rights = append(p.Rights, policy.RightsOf(r, policy.Scope{Studies: []string{"1"}})...)
	}
	return p
}

// No operation acts or answers while the trail cannot be written.
func TestNoOperationWithoutTheTrail(t *testing.T) {
	for m := range reflect.TypeFor[*archive.Session]().Methods() {
		if (operations[m.Name] == nil) != silent[m.Name] {
			t.Errorf("Session.%s has no row here: does it fail when the trail does?", m.Name)
		}
	}
	for name, operation := range operations {
		f := open(t)
		f.config.Records = records{f.trail}
		a, err := archive.Open(t.Context(), f.config)
		if err != nil {
			t.Fatal(err)
		}
		for _, uid := range []dicom.UID{"1.2.3.4"} {
			if _, err := a.As(everything).Store(t.Context(), incoming(uid, instance(t, "1.2.3", uid, nil))); err != nil {
				t.Fatal(err)
			}
		}
		f.trail.broken = errors.New("disk full")
		if err := operation(t.Context(), t, a.As(almighty())); !errors.Is(err, f.trail.broken) {
			t.Errorf("%s, permitted: %v", name, err)
		}
		// Who may not do it learns nothing either.
		err = operation(t.Context(), t, a.As(policy.Principal{Kind: policy.User, Name: "nobody"}))
		if err == nil || name != "Note" && !errors.Is(err, f.trail.broken) {
			t.Errorf("%s, not permitted: %v", name, err)
		}
		if _, err := f.config.Catalog.Instance(t.Context(), "1.2.3.4"); err != nil {
			t.Errorf("%s: what was stored is gone: %v", name, err)
		}
		if _, err := f.config.Catalog.Instance(t.Context(), "1.2.3.5"); !errors.Is(err, archive.ErrNotFound) {
			t.Errorf("%s: something was stored: %v", name, err)
		}
	}
}
