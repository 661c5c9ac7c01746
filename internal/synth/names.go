package synth

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// script is how people of one character set are called. Each name has up to
// three component groups: alphabetic, ideographic, phonetic (PS3.5 section 6.2.1).
type script struct {
	name        string
	terms       []string // Specific Character Set (0008,0005)
	families    []string
	givens      []string
	institution string
	description string
}

// scripts are the character sets that a generator knows, the first by default.
// Names are common ones of their language, combined at random.
var scripts = []script{
	{name: "ascii", institution: "Harbour Clinic"},
	{name: "latin1", terms: []string{"ISO_IR 100"}, families: []string{"Müller", "García", "Lefèvre", "Sjöberg"},
		givens: []string{"Jürgen", "Zoë", "Françoise", "Åsa"}, institution: "Universitätsklinik Süd", description: "Schädel nativ"},
	{name: "latin2", terms: []string{"ISO_IR 101"}, families: []string{"Dvořák", "Kowalczyk", "Żółtowski", "Horváth"},
		givens: []string{"Jiří", "Małgorzata", "Łukasz", "Ágnes"}, institution: "Nemocnice Střed", description: "Břicho"},
	{name: "greek", terms: []string{"ISO_IR 126"}, families: []string{"Παπαδόπουλος", "Γεωργίου", "Νικολαΐδης"},
		givens: []string{"Νίκος", "Ελένη", "Δημήτρης"}, institution: "Γενικό Νοσοκομείο", description: "Θώρακας"},
	{name: "cyrillic", terms: []string{"ISO_IR 144"}, families: []string{"Соколова", "Коваленко", "Петров"},
		givens: []string{"Анна", "Борис", "Елена"}, institution: "Городская больница", description: "Грудная клетка"},
	{name: "arabic", terms: []string{"ISO_IR 127"}, families: []string{"حداد", "منصور", "خوري"},
		givens: []string{"ليلى", "سمير", "نور"}, institution: "مستشفى المدينة", description: "صدر"},
	{name: "hebrew", terms: []string{"ISO_IR 138"}, families: []string{"לוי", "מזרחי", "פרץ"},
		givens: []string{"נועה", "איתן", "תמר"}, institution: "בית חולים מרכזי", description: "חזה"},
	{name: "thai", terms: []string{"ISO_IR 166"}, families: []string{"ศรีสุข", "ทองดี"},
		givens: []string{"สมชาย", "มาลี"}, institution: "โรงพยาบาลกลาง", description: "ทรวงอก"},
	{name: "japanese", terms: []string{"", "ISO 2022 IR 87"}, families: []string{"Tanaka=田中=たなか", "Suzuki=鈴木=すずき", "Mori=森=もり"},
		givens: []string{"Hanako=花子=はなこ", "Ichiro=一郎=いちろう"}, institution: "中央病院", description: "胸部"},
	{name: "korean", terms: []string{"", "ISO 2022 IR 149"}, families: []string{"Kim=金=김", "Park=朴=박", "Choi=崔=최"},
		givens: []string{"Minjun=敏俊=민준", "Seoyeon=瑞姸=서연"}, institution: "중앙병원", description: "흉부"},
	{name: "chinese", terms: []string{"GB18030"}, families: []string{"Wang=王", "Zhang=张", "Liu=刘"},
		givens: []string{"XiaoMing=小明", "Li=丽"}, institution: "中心医院", description: "胸部"},
	{name: "utf8", terms: []string{"ISO_IR 192"}, families: []string{"Ærøskøbing", "Ngô", "Šķēle", "Óðinsson", "山本"},
		givens: []string{"Thảo", "Þóra", "Ņikita", "美咲"}, institution: "Clínica Žaļā", description: "Cœur – séquence 4D"},
}

// CharacterSets returns the names of the character sets for Options.CharacterSet.
func CharacterSets() []string {
	names := make([]string, len(scripts))
	for i, s := range scripts {
		names[i] = s.name
	}
	return names
}

func scriptNamed(name string) *script {
	i := slices.IndexFunc(scripts, func(s script) bool { return s.name == name })
	return &scripts[max(i, 0)]
}

var syllables = []string{"ba", "ko", "ri", "mel", "tan", "vo", "shi", "dur", "len", "gar", "pe", "nos", "wil", "fra", "hu", "zan"}

// person makes a person name. Of the many that are made of syllables, one in 64
// begins with "Sm", for searches by prefix.
func (s *script) person(r *rand.Rand) string {
	if len(s.families) == 0 {
		family := pick(r, syllables) + pick(r, syllables) + pick(r, syllables)
		if r.IntN(64) == 0 {
			family = pick(r, []string{"smith", "smythe", "small", "smolin"})
		}
		return title(family) + "^" + title(pick(r, syllables)+pick(r, []string{"na", "ra", "lo", "ne"}))
	}
	family := strings.Split(pick(r, s.families), "=")
	given := strings.Split(pick(r, s.givens), "=")
	groups := make([]string, 0, 3)
	for i := range min(len(family), len(given)) {
		groups = append(groups, family[i]+"^"+given[i])
	}
	return strings.Join(groups, "=")
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// Patient is an invented person.
type Patient struct {
	ID        string
	Name      string // as PS3.5 section 6.2.1 writes it, in Unicode
	BirthDate string
	Sex       string
	script    *script
	body      body
}

// Patient returns patient number n, as people of the named character set are called.
func (g *Generator) Patient(n int, characterSet string) Patient {
	r := g.random("patient", n)
	p := Patient{
		ID:        fmt.Sprintf("SYN%07d", n),
		BirthDate: fmt.Sprintf("%04d%02d%02d", 1930+r.IntN(85), 1+r.IntN(12), 1+r.IntN(28)),
		Sex:       pick(r, []string{"F", "M", "F", "M", "O"}),
		script:    scriptNamed(characterSet),
	}
	p.Name = p.script.person(r)
	p.body = newBody(r)
	return p
}

func (p *Patient) fill(ds *dicom.DataSet) {
	put(ds, dict.PatientName, p.Name)
	put(ds, dict.PatientID, p.ID)
	put(ds, dict.IssuerOfPatientID, "SYNTH")
	put(ds, dict.PatientBirthDate, p.BirthDate)
	put(ds, dict.PatientSex, p.Sex)
}
