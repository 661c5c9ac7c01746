package dicom_test

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
)

// A Japanese device writes names with escape sequences.
func ExampleParseCharacterSet() {
	cs, err := dicom.ParseCharacterSet("", "ISO 2022 IR 87")
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(cs.Decode([]byte("Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"), dicom.VRPN))
	answer, err := cs.Encode("Suzuki=鈴木", dicom.VRPN)
	fmt.Printf("%q %v\n", answer, err)
	// Output:
	// Yamada^Tarou=山田^太郎
	// "Suzuki=\x1b$BNkLZ\x1b(B" <nil>
}

// Text that a device's own set cannot hold is an error, or question marks.
func ExampleCharacterSet_EncodeLossy() {
	cs, _ := dicom.ParseCharacterSet("ISO_IR 100")
	_, err := cs.Encode("Müller=山田", dicom.VRPN)
	fmt.Println(err)
	b, lost := cs.EncodeLossy("Müller=山田", dicom.VRPN)
	fmt.Printf("%q, %d lost\n", b, lost)
	// Output:
	// encode PN text: 2 times: character is not in the specific character set
	// "M\xfcller=??", 2 lost
}

func ExampleParsePersonName() {
	n := dicom.ParsePersonName("Yamada^Tarou^^Dr=山田^太郎=やまだ^たろう")
	fmt.Println(n.Display())
	fmt.Println(n.Ideographic.Family, n.Phonetic.Given)
	fmt.Println(n)
	// Output:
	// Dr Tarou Yamada
	// 山田 たろう
	// Yamada^Tarou^^Dr=山田^太郎=やまだ^たろう
}

func ExampleFoldName() {
	fmt.Println(dicom.FoldName("MÜLLER^Łukasz^^"))
	fmt.Println(dicom.FoldName("ﾔﾏﾀﾞ^たろう"))
	// Output:
	// muller^lukasz
	// ヤマダ^タロウ
}

func ExampleFuzzyMatch() {
	fmt.Println(dicom.FuzzyKeys("Meyer^Anna"))
	fmt.Println(dicom.FuzzyMatch("anna maier", "Meyer^Anna"))
	// Output:
	// [anna meyer ~06 ~67]
	// true
}

func ExampleParseTimeRange() {
	r, err := dicom.ParseTimeRange("08-0930")
	fmt.Println(r.From, r.To, err)
	t, _ := dicom.ParseTime("09:30:15")
	fmt.Println(r.Overlaps(t.Span()))
	// Output:
	// 080000.000000 093059.999999 <nil>
	// true
}
