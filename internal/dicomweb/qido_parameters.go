package dicomweb

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/archive/match"
)

// searching is a search as its URL asks for it (PS3.18 section 8.3.4).
type searching struct {
	query       archive.Query
	limit       int
	warnings    []string
	onlyIfKnown []dicom.Tag // left out of a result that has no value for them
}

// Bounds of what a search may ask.
const (
	maxParameters = 256
	maxUIDs       = 4096
	maxPath       = 8 // sequences in the path of an attribute
)

func (x *exchange) parseSearch(level archive.Level) (*searching, error) {
	s := &searching{limit: maxResults, query: archive.Query{Level: level, Keys: new(dicom.DataSet), DateTimeMatching: true, Target: x.URL.RequestURI()}}
	s.query.Keys.PutString(dict.SpecificCharacterSet, dicom.VRCS, "ISO_IR 192")
	values, err := url.ParseQuery(x.URL.RawQuery)
	if err != nil {
		return nil, bad("the query cannot be read")
	}
	if len(values) > maxParameters {
		return nil, bad("the query has too many parameters")
	}
	var include []string
	for name, list := range values {
		if err := checkText(list); err != nil {
			return nil, err
		}
		switch name {
		case "includefield":
			include = append(include, list...)
		case "limit", "offset", "fuzzymatching", "emptyvaluematching", "multiplevaluematching":
			err = s.option(name, list)
		case "accept", "charset":
		default:
			err = s.key(name, list, level)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, k := range []struct {
		name string
		tag  dicom.Tag
	}{{"study", dict.StudyInstanceUID}, {"series", dict.SeriesInstanceUID}} {
		if uid := x.path[k.name]; uid != "" { // the path narrows whatever the query says
			if asked := s.query.Keys.Strings(k.tag); len(asked) > 0 && !slices.Contains(asked, uid) {
				s.limit = 0
			}
			s.query.Keys.PutUID(k.tag, dicom.UID(uid))
		}
	}
	return s, s.fields(include, level, x.path)
}

// checkText refuses values that no attribute can have.
func checkText(list []string) error {
	for _, v := range list {
		if !utf8.ValidString(v) {
			return bad("the query is not in UTF-8")
		}
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7F }) {
			return bad("the query has control characters")
		}
	}
	return nil
}

// option reads a parameter that is no attribute. It must come once.
func (s *searching) option(name string, list []string) error {
	list = slices.Compact(list)
	if len(list) != 1 {
		return bad("a parameter is given twice")
	}
	switch name {
	case "limit", "offset":
		n, err := strconv.ParseUint(list[0], 10, 31)
		if err != nil {
			return bad("limit and offset are numbers from 0 on")
		}
		if name == "offset" {
			s.query.Offset = int(n)
		} else {
			s.limit = min(int(n), maxResults)
		}
		return nil
	}
	on, err := strconv.ParseBool(list[0])
	if err != nil || list[0] != "true" && list[0] != "false" {
		return bad("fuzzymatching, emptyvaluematching and multiplevaluematching are true or false")
	}
	switch name {
	case "fuzzymatching":
		s.query.FuzzyNames = on
	case "emptyvaluematching":
		s.query.EmptyValue = on
	case "multiplevaluematching":
		s.query.MultipleValue = on
	}
	return nil
}

// key adds a matching key (PS3.18 section 8.3.4.1).
func (s *searching) key(name string, list []string, level archive.Level) error {
	path, err := parsePath(name)
	if err != nil {
		return err
	}
	if !s.supported(path, level) {
		s.warn("Matching by an attribute of the query is not supported: it was ignored")
		return nil
	}
	at, t := s.descend(path)
	vr := dict.VR(t)
	values, err := keyValues(vr, list)
	if err != nil {
		return err
	}
	if e := at.Get(t); e != nil && len(e.Data) > 0 {
		return bad("an attribute is given twice")
	}
	return put(at, t, vr, values)
}

// keyValues makes one list of the values of a parameter that was repeated: for
// UIDs it grows, for others the repetitions must be the same.
func keyValues(vr dicom.VR, list []string) ([]string, error) {
	if vr == dicom.VRUI {
		var uids []string
		for _, v := range list {
			for uid := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == '\\' || r == ' ' }) {
				uids = append(uids, uid)
			}
		}
		slices.Sort(uids)
		if uids = slices.Compact(uids); len(uids) > maxUIDs {
			return nil, bad("the query has too many UIDs")
		}
		return uids, nil
	}
	slices.Sort(list)
	if list = slices.Compact(list); len(list) != 1 {
		return nil, bad("an attribute is given twice")
	}
	return strings.Split(list[0], "\\"), nil
}

// put enters the values into a key; none, or one that is empty, is universal matching.
func put(ds *dicom.DataSet, t dicom.Tag, vr dicom.VR, values []string) error {
	switch {
	case vr == dicom.VRSQ:
		if len(values) > 0 && values[0] != "" {
			return bad("a sequence is matched by an attribute of its items")
		}
		ds.Put(dicom.Element{Tag: t, VR: vr})
		return nil
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		ds.Put(dicom.Element{Tag: t, VR: vr})
		return nil
	case vr.IsText():
		if err := ds.PutString(t, vr, values...); err != nil {
			return bad("a value of the query cannot be encoded")
		}
		return nil
	}
	numbers := make([]int64, len(values))
	for i, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return bad("a value of the query is no number")
		}
		numbers[i] = n
	}
	if ds.PutInts(t, vr, numbers...) != nil {
		return bad("a value of the query does not fit its attribute")
	}
	return nil
}

// parsePath reads the name of an attribute: a keyword or eight hexadecimal
// digits, or several of them with dots between, of which all but the last are
// sequences.
func parsePath(name string) ([]dicom.Tag, error) {
	steps := strings.Split(name, ".")
	if len(steps) > maxPath {
		return nil, bad("the path of an attribute is too long")
	}
	path := make([]dicom.Tag, len(steps))
	for i, step := range steps {
		t, ok := parseAttribute(step)
		if !ok || i < len(steps)-1 && dict.VR(t) != dicom.VRSQ {
			return nil, bad("the query has a parameter that is neither an attribute nor one of the standard")
		}
		path[i] = t
	}
	return path, nil
}

func parseAttribute(s string) (dicom.Tag, bool) {
	if e, ok := dict.ByKeyword(s); ok {
		return e.Tag, true
	}
	if len(s) != 8 {
		return 0, false
	}
	t, err := dicom.ParseTag(s)
	return t, err == nil
}

// supported reports whether the catalog can match by the attribute, in a search
// at that level.
func (s *searching) supported(path []dicom.Tag, level archive.Level) bool {
	a := match.Lookup(path[0])
	if a == nil || a.Level > level || path[0] == dict.SpecificCharacterSet {
		return false
	}
	switch len(path) {
	case 1:
		return true
	case 2:
		return slices.Contains(a.Items, path[1])
	}
	return false
}

// descend returns the data set in which the last attribute of the path lies; it
// makes the items on the way.
func (s *searching) descend(path []dicom.Tag) (*dicom.DataSet, dicom.Tag) {
	at := s.query.Keys
	for _, t := range path[:len(path)-1] {
		items := at.Items(t)
		if len(items) == 0 {
			at.PutItems(t, new(dicom.DataSet))
			items = at.Items(t)
		}
		at = items[0].DataSet
	}
	return at, path[len(path)-1]
}
