package archive_test

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// act is a method of Session with the right that it needs. Seen reports whether
// it gave or changed something of the study.
type act struct {
	right policy.Right
	do    func(ctx context.Context, s *archive.Session, study dicom.UID) (seen bool, err error)
}

func drain[T any](seq iter.Seq2[T, error]) (n int, err error) {
	for _, err := range seq {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func gave(r *archive.Retrieval, err error) (bool, error) {
	return err == nil && len(r.Entries) > 0, err
}

// acts has a row for every method of Session: one without fails the test.
var acts = map[string]act{
	"Find": {policy.Find, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		n, err := drain(s.Find(ctx, studyQuery(u)))
		return n > 0, err
	}},
	"Retrieve": {policy.Get, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		return gave(s.Retrieve(ctx, studyQuery(u)))
	}},
	"Access": {policy.Get, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		return gave(s.Access(ctx, studyQuery(u)))
	}},
	"AccessSome": {policy.Get, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		return gave(s.AccessSome(ctx, studyQuery(u), nil))
	}},
	"RetrieveFor": {policy.Move, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		return gave(s.RetrieveFor(ctx, studyQuery(u), "ws"))
	}},
	"Export": {policy.Export, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		return gave(s.Export(ctx, studyQuery(u)))
	}},
	"Commitment": {policy.Commit, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		results, err := s.Commitment(ctx, []archive.Ref{{SOPClass: dict.UIDSecondaryCaptureImageStorage, Instance: u + ".1"}})
		return err == nil && results[0].Err == nil, err
	}},
	"Arrivals": {policy.Find, func(ctx context.Context, s *archive.Session, _ dicom.UID) (bool, error) {
		_, err := s.Arrivals(ctx)
		return false, err
	}},
	"Store": {policy.Store, nil}, // below: it makes what the others see
	"ReadTrailFor": {policy.ReadTrail, func(ctx context.Context, s *archive.Session, _ dicom.UID) (bool, error) {
		_, err := drain(s.ReadTrailFor(ctx, audit.Filter{}, audit.Event{Code: audit.AuditLogUsed}))
		return false, err
	}},
	"ReadTrail": {policy.ReadTrail, func(ctx context.Context, s *archive.Session, _ dicom.UID) (bool, error) {
		_, err := drain(s.ReadTrail(ctx, audit.Filter{}))
		return false, err
	}},
	"Facts": {policy.Hold, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		_, err := drain(s.Facts(ctx, u))
		return false, err // for those who answer for all studies
	}},
	"Erase": {policy.Erase, func(ctx context.Context, s *archive.Session, _ dicom.UID) (bool, error) {
		_, err := s.Erase(ctx, "9.9.9")
		return false, err
	}},
	"Quarantine": {policy.Settle, func(ctx context.Context, s *archive.Session, _ dicom.UID) (bool, error) {
		_, err := drain(s.Quarantine(ctx))
		return false, err
	}},
	"Compare": {policy.Settle, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		_, _, err := s.Compare(ctx, &archive.Quarantined{Entry: archive.Entry{Instance: "9.9"}})
		return false, notAbsent(err)
	}},
	"Drop": {policy.Settle, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		return false, notAbsent(s.Drop(ctx, &archive.Quarantined{Entry: archive.Entry{Location: "none", Instance: "9.9"}}))
	}},
	"Replace": {policy.Settle, func(ctx context.Context, s *archive.Session, u dicom.UID) (bool, error) {
		return false, notAbsent(s.Replace(ctx, &archive.Quarantined{Entry: archive.Entry{Location: "none", Instance: "9.9"}}))
	}},
	"Authorise": {policy.Manage, func(ctx context.Context, s *archive.Session, _ dicom.UID) (bool, error) {
		return false, s.Authorise(ctx, policy.Manage, audit.Event{Code: audit.UserSecurity})
	}},
	"From": {}, "Principal": {}, "Note": {}, // touch nothing of the archive
}

func notAbsent(err error) error {
	if errors.Is(err, archive.ErrNotFound) {
		return nil
	}
	return err
}

// TestMatrix asks every method as every role, as a share, as a device with every
// right and as nobody, for a study in the scope, one outside and one that is not
// there: without the right it is denied, and what lies outside is not there.
func TestMatrix(t *testing.T) {
	f := open(t)
	f.config.Records = records{f.trail}
	a, err := archive.Open(t.Context(), f.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, study := range []dicom.UID{"1.1", "1.2", "1.3"} {
		if _, err := a.As(everything).Store(t.Context(), incoming(study+".1", instance(t, study, study+".1", nil))); err != nil {
			t.Fatal(err)
		}
	}
	scope := policy.Scope{Studies: []string{"1.1", "1.3"}}
	askers := map[string]policy.Principal{
		"nobody": {}, "somebody without a name": {Kind: policy.User, Rights: policy.DeviceRights},
		"device": {Kind: policy.Device, Name: "ct1", Rights: policy.DeviceRights, Scope: scope, Destinations: []string{"ws"}},
		"share":  {Kind: policy.Share, Name: "s", Rights: []policy.Right{policy.Find, policy.Get}, Scope: policy.Scope{Studies: []string{"1.3"}}},
	}
	for _, r := range policy.Roles {
		askers[string(r)] = policy.Principal{Kind: policy.User, Name: "x", Role: r, Rights: policy.RightsOf(r, scope), Scope: scope}
	}
	methods := reflect.TypeFor[*archive.Session]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		row, ok := acts[name]
		if !ok {
			t.Errorf("Session.%s has no row in the matrix: add one with the right that it needs", name)
		}
		if row.do == nil {
			continue
		}
		for who, p := range askers {
			may := policy.May(p, row.right).Allowed
			for _, study := range []dicom.UID{"1.1", "1.2", "1.3", "7.7"} {
				seen, err := row.do(t.Context(), a.As(p), study)
				visible := p.Scope.Holds(policy.Resource{Study: string(study)}, time.Now()) && study != "7.7"
				switch {
				case may && err != nil:
					t.Errorf("%s, %s, %s: %v", name, who, study, err)
				case !may && !errors.Is(err, archive.ErrDenied):
					t.Errorf("%s, %s, %s: not denied: %v", name, who, study, err)
				case seen && (!may || !visible):
					t.Errorf("%s, %s, %s: seen", name, who, study)
				case may && visible && !seen && slices.Contains([]string{"Find", "Retrieve", "Access", "AccessSome", "RetrieveFor", "Commitment"}, name):
					t.Errorf("%s, %s, %s: not seen", name, who, study)
				}
			}
		}
	}
	for who, p := range askers {
		_, err := a.As(p).Store(t.Context(), incoming("1.1.9", instance(t, "1.1", "1.1.9", nil)))
		if may := policy.May(p, policy.Store).Allowed; may != (err == nil) || !may && !errors.Is(err, archive.ErrDenied) {
			t.Errorf("Store, %s: %v", who, err)
		}
		if _, err := a.As(p).Store(t.Context(), incoming("1.2.9", instance(t, "1.2", "1.2.9", nil))); !errors.Is(err, archive.ErrDenied) {
			t.Errorf("Store outside of the scope, %s: %v", who, err)
		}
	}
}
