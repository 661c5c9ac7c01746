package audit

import (
	"bytes"
	"strings"
	"testing"
)

func TestLineBefore(t *testing.T) {
	long := strings.Repeat("l", 20_000)
	for _, test := range []struct {
		text string
		want string
	}{
		{"", ""}, {"a", ""}, {"a\n", "a"}, {"a\nb\n", "b"}, {"a\nb", ""}, {"\n", ""},
		{"a\n" + long + "\n", long}, {long + "\n", long}, {strings.Repeat("x", 8191) + "\n", strings.Repeat("x", 8191)},
		{strings.Repeat("x", 8192) + "\n", strings.Repeat("x", 8192)}, {strings.Repeat("x", maxLine+5) + "\n", ""},
	} {
		b, err := lineBefore(bytes.NewReader([]byte(test.text)), int64(len(test.text)))
		if err != nil || string(b) != test.want {
			t.Errorf("%d bytes: got %d bytes, want %d, %v", len(test.text), len(b), len(test.want), err)
		}
	}
}
