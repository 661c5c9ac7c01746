package paper

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

const sample = `# A title
First line
of a paragraph.

- one
- two
  goes on

## A heading
| System | State |
| 127.0.0.1:104 | open |
---
The end.
`

func TestParse(t *testing.T) {
	var got []string
	for _, b := range Parse(sample) {
		got = append(got, fmt.Sprint(b.Kind, b.Text, b.Rows))
	}
	want := []string{"1A title[]", "0First line of a paragraph.[]", "3one[]", "3two goes on[]", "2A heading[]",
		"4[[System State] [127.0.0.1:104 open]]", "5[]", "0The end.[]"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
}

// The same text makes the same bytes; strange characters, long words and rows
// that are short or long do no harm.
func TestPDF(t *testing.T) {
	odd := sample + "\n| a | b |\n| " + strings.Repeat("x", 3000) + " | \U0001F600\u202e漢 |\n| short |\n| too | many | fields |\n" +
		strings.Repeat("- an item\n", 200)
	o := Options{Title: "T", Language: "de", Footer: "foot", Made: time.Unix(0, 0)}
	var a, b bytes.Buffer
	if err := PDF(&a, o, Parse(odd)); err != nil {
		t.Fatal(err)
	}
	if err := PDF(&b, o, Parse(odd)); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(a.Bytes(), []byte("%PDF-")) || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("no PDF, or not the same twice")
	}
	d := New(Options{Landscape: true, Made: time.Unix(0, 0)})
	d.Cards([]Card{{"1", "seen"}, {strings.Repeat("9", 90), "much"}})
	d.Cards(nil)
	d.Bars([]Bar{{"none", 0, Red}, {"some", 3, Blue}})
	d.Tiles([]Tile{{X: 1, Y: 2, Label: "DE", Mark: "5", On: Red}, {Label: "FR", On: Pale, Pale: true}})
	if err := d.Write(&a); err != nil {
		t.Error(err)
	}
}

// What the fonts lack is never printed as a question mark or left out in silence.
func TestLetters(t *testing.T) {
	for in, want := range map[string]string{
		"Klinikum Süd, Łódź, Αθήνα, Москва?": "Klinikum Süd, Łódź, Αθήνα, Москва?",
		"Bệnh viện":          "Benh vien",
		"Su\u0308d":          "Süd",
		"漢字 Hospital 病院":     "[…] Hospital […]",
		"a\u202eb\u00adc":    "abc",
		"a\nb\tc":            "a b c",
		"1\u202f000":         "1\u00a0000",
		"\U0001F600\x00\xff": "[…]",
	} {
		d := New(Options{Made: time.Unix(0, 0)})
		if got := d.clean(in); got != want || d.lacking != strings.Contains(want, lack) {
			t.Errorf("%q is %q, %v; want %q", in, got, d.lacking, want)
		}
	}
	size := func(text, language string) int {
		var out bytes.Buffer
		d := New(Options{Made: time.Unix(0, 0), Language: language})
		d.Text(text)
		if err := d.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.Len()
	}
	for _, language := range []string{"en", "de"} {
		if size("漢字", language) <= size(lack, language)+50 {
			t.Error(language, "does not say what the sign means")
		}
	}
}

func TestHTML(t *testing.T) {
	var out bytes.Buffer
	if err := HTML(&out, Options{Title: "<b>", Language: "en"}, Parse(sample+"\n<script>\n")); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{"<h1>A title</h1>", "<td>open</td>", "<li>one</li>", "<hr>", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func FuzzPDF(f *testing.F) {
	f.Add(sample)
	f.Add("| ")
	f.Add("|  | |\n- \n# \n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		var out bytes.Buffer
		if err := PDF(&out, Options{Made: time.Unix(0, 0)}, Parse(text)); err != nil {
			t.Error(err)
		}
	})
}
