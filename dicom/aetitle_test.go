package dicom

import "testing"

func TestParseAETitle(t *testing.T) {
	for _, c := range []struct {
		in   string
		want AETitle
		ok   bool
	}{
		{"TRESOR", "TRESOR", true},
		{"  TRESOR  ", "TRESOR", true},
		{"CT 1", "CT 1", true},
		{"ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP", true},
		{"ABCDEFGHIJKLMNOPQ", "", false},
		{" ABCDEFGHIJKLMNOP ", "ABCDEFGHIJKLMNOP", true},
		{"", "", false},
		{"                ", "", false},
		{"A\\B", "", false},
		{"A\nB", "", false},
		{"A\x00", "", false},
		{"\x1b[31m", "", false},
		{"caf\xe9", "", false},
		{"A\x7f", "", false},
	} {
		got, err := ParseAETitle(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("ParseAETitle(%q) = %q, %v", c.in, got, err)
		}
	}
	if AETitle(" A").Valid() || !AETitle("A").Valid() {
		t.Error("Valid disagrees with ParseAETitle")
	}
}
