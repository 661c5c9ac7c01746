package identity

import (
	"reflect"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// fullDevice has a value in every field that permits something.
func fullDevice() Device {
	list := []string{"x"}
	return Device{
		Name: "n", AETitles: []dicom.AETitle{"A"}, Rights: []policy.Right{policy.Find}, Destinations: list,
		PrivateSOPClasses: []dicom.UID{"1.2"}, Disabled: true, UserIdentity: IdentityRequired,
		Scope: policy.Scope{Institutions: list, Departments: list, Modalities: list, Sources: list,
			Referring: list, MaxAge: time.Hour, Patients: list, Studies: list, Also: []policy.Scope{{}}},
	}
}

// TestSamePermissions empties one field after the other. A new field of Scope
// that is forgotten fails here.
func TestSamePermissions(t *testing.T) {
	d := fullDevice()
	same := d.Clone()
	same.Address, same.Changed = "h:1", time.Now()
	same.Certificates = []Certificate{{}}
	if !d.SamePermissions(&same) {
		t.Error("an address is no permission")
	}
	for _, field := range []string{"Name", "AETitles", "Rights", "Destinations", "PrivateSOPClasses", "Disabled", "UserIdentity"} {
		o := d.Clone()
		reflect.ValueOf(&o).Elem().FieldByName(field).SetZero()
		if d.SamePermissions(&o) {
			t.Errorf("%s makes no difference", field)
		}
	}
	for i := range reflect.TypeFor[policy.Scope]().NumField() {
		o := d.Clone()
		field := reflect.ValueOf(&o.Scope).Elem().Field(i)
		if field.IsZero() {
			t.Errorf("field %d of Scope is not in fullDevice", i)
		}
		field.SetZero()
		if d.SamePermissions(&o) {
			t.Errorf("field %d of Scope makes no difference", i)
		}
	}
}

// TestCloneSharesNothing: a field of Device that Clone forgets fails here.
func TestCloneSharesNothing(t *testing.T) {
	d := fullDevice()
	d.CharacterSet, d.Certificates, d.TrustedCAs = []string{"x"}, []Certificate{{}}, [][]byte{{1}}
	c := d.Clone()
	if !reflect.DeepEqual(c, d) {
		t.Errorf("%+v is no copy of %+v", c, d)
	}
	for _, pair := range [][2]reflect.Value{
		{reflect.ValueOf(c), reflect.ValueOf(d)}, {reflect.ValueOf(c.Scope), reflect.ValueOf(d.Scope)},
	} {
		for i := range pair[0].NumField() {
			a, b := pair[0].Field(i), pair[1].Field(i)
			if a.Kind() == reflect.Slice && a.Pointer() == b.Pointer() {
				t.Errorf("%s.%s is shared", pair[0].Type(), pair[0].Type().Field(i).Name)
			}
		}
	}
}
