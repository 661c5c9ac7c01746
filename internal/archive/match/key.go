package match

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tresor-pacs/tresor/dicom"
)

// Kind is a kind of matching (PS3.4 section C.2.2.2). Universal matching has
// none: it leaves no Key.
type Kind int

// The kinds.
const (
	Single   Kind = iota + 1 // single value (C.2.2.2.1), list of UID (C.2.2.2.2), multiple value (C.2.2.2.8)
	Wildcard                 // C.2.2.2.4
	Range                    // C.2.2.2.5
	Sequence                 // C.2.2.2.6
	Empty                    // C.2.2.2.7: negotiated
)

// Key is one attribute of an identifier that narrows the answer.
type Key struct {
	Attribute
	Kind Kind
	// Values are what the attribute must have one of: texts, or patterns for
	// Wildcard; of VR PN folded. With All it must have each of them.
	Values []string
	All    bool
	// Fuzzy says that a name that sounds alike matches as well.
	Fuzzy bool
	// From and To bound a Range, inclusively: YYYYMMDD for DA. Empty is open.
	From, To string
	// Time is the time of day of a range over a pair of DA and TM attributes
	// (combined date-time matching), else 0.
	Time dicom.Tag
	// Items holds the keys of a Sequence: one item must match them all.
	Inner []Key
}

// options are what was negotiated, and what depends on it.
type options struct {
	fuzzy, empty, multiple bool
	zone                   zone // of the key's dates and times
}

// maxValues is how many values of a key count, but for lists of UIDs: matching
// takes the product of the numbers of values.
const maxValues = 64

// newKey makes the key for an element of an identifier; ok is false for
// universal matching.
func newKey(a Attribute, e *dicom.Element, ds *dicom.DataSet, o options) (k Key, ok bool) {
	k.Attribute = a
	if a.VR == dicom.VRSQ {
		return newSequenceKey(a, e, o)
	}
	values := slices.DeleteFunc(e.Strings(ds.CharacterSet), func(s string) bool { return s == "" })
	if len(values) == 0 {
		return k, false
	}
	if len(values) == 1 && values[0] == `""` && o.empty {
		k.Kind = Empty
		return k, true
	}
	if len(values) == 1 && strings.Trim(values[0], "*") == "" {
		return k, false // "*" alone is universal matching (PS3.4 section C.2.2.2.4)
	}
	if a.VR != dicom.VRUI && len(values) > maxValues {
		values = values[:maxValues]
	}
	k.Values, k.Kind = values, Single
	k.All = o.multiple && len(values) > 1 && a.VR != dicom.VRUI
	switch a.VR {
	case dicom.VRDA, dicom.VRTM, dicom.VRDT:
		k.setRange(values[0], len(values) == 1, o)
	case dicom.VRPN:
		k.Fuzzy = o.fuzzy
		for i, v := range k.Values {
			k.Values[i] = dicom.FoldName(v)
		}
	}
	if !k.All && takesWildcards(a.VR) && slices.ContainsFunc(k.Values, hasWildcard) {
		k.Kind = Wildcard
	}
	return k, true
}

// newSequenceKey follows PS3.4 section C.2.2.2.6: an item without keys, or with
// universal ones alone, matches everything.
func newSequenceKey(a Attribute, e *dicom.Element, o options) (Key, bool) {
	k := Key{Attribute: a, Kind: Sequence}
	if len(e.Items) == 0 {
		return k, false
	}
	item := e.Items[0]
	for inner := range item.All() {
		if !slices.Contains(a.Items, inner.Tag) {
			continue
		}
		ia := Attribute{Tag: inner.Tag, Level: a.Level, VR: itemVR(inner.Tag)}
		if ik, ok := newKey(ia, inner, item.DataSet, o); ok {
			k.Inner = append(k.Inner, ik)
		}
	}
	return k, len(k.Inner) > 0
}

// setRange makes k a range if its value can be read as one; otherwise k stays a
// comparison of texts, which never fails and hardly ever matches.
func (k *Key) setRange(text string, single bool, o options) {
	if !single {
		return
	}
	var r dicom.Range
	var err error
	switch k.VR {
	case dicom.VRDA:
		r, err = dicom.ParseDateRange(text)
	case dicom.VRTM:
		r, err = dicom.ParseTimeRange(text)
	default:
		r, err = dicom.ParseDateTimeRange(text, o.zone.fromUTC())
	}
	if err == nil {
		k.Kind, k.From, k.To = Range, r.From, r.To
	}
}

// takesWildcards reports whether wild card matching is defined for vr (PS3.4
// section C.2.2.2.4).
func takesWildcards(vr dicom.VR) bool {
	switch vr {
	case dicom.VRAE, dicom.VRCS, dicom.VRLO, dicom.VRLT, dicom.VRPN, dicom.VRSH,
		dicom.VRST, dicom.VRUC, dicom.VRUR, dicom.VRUT:
		return true
	}
	return false
}

// matches reports whether the attribute's value, nil if it has none, matches.
// zone is that of the entity's DT values without offset.
func (k *Key) matches(v *Value, z zone) bool {
	if k.Kind == Empty {
		return v == nil
	}
	if v == nil {
		return false // PS3.4 section C.2.2.1.2: the unknown matches universally alone
	}
	if k.Kind == Sequence {
		return slices.ContainsFunc(v.Items, func(item Record) bool {
			return !slices.ContainsFunc(k.Inner, func(ik Key) bool { return !ik.matches(item.Get(ik.Tag), z) })
		})
	}
	have := []string{v.Text}
	if k.VR.MultiValued() || !k.VR.IsText() {
		have = strings.Split(v.Text, `\`)
	}
	if k.Kind == Range {
		return slices.ContainsFunc(have, func(s string) bool { return k.inRange(s, z) })
	}
	return k.matchesTexts(have)
}

func (k *Key) matchesTexts(have []string) bool {
	one := func(want string) bool {
		return slices.ContainsFunc(have, func(s string) bool { return k.matchesText(want, s) })
	}
	if k.VR == dicom.VRPN {
		folded := make([]string, len(have))
		for i, s := range have {
			folded[i] = dicom.FoldName(s)
		}
		one = func(want string) bool {
			return slices.ContainsFunc(folded, func(s string) bool { return matchName(want, s) || k.Fuzzy && dicom.FuzzyMatch(want, s) })
		}
	}
	if k.All {
		return !slices.ContainsFunc(k.Values, func(want string) bool { return !one(want) })
	}
	return slices.ContainsFunc(k.Values, one)
}

func (k *Key) matchesText(want, s string) bool {
	switch {
	case k.Kind == Wildcard:
		return wildcard(want, s)
	case want == s:
		return true
	case isNumber(k.VR):
		a, errA := strconv.ParseFloat(want, 64)
		b, errB := strconv.ParseFloat(s, 64)
		return errA == nil && errB == nil && a == b
	}
	return false
}

func (k *Key) inRange(s string, z zone) bool {
	asked := dicom.Range{From: k.From, To: k.To}
	switch k.VR {
	case dicom.VRDA:
		d, err := dicom.ParseDate(s)
		return err == nil && asked.Contains(d.String())
	case dicom.VRTM:
		t, err := dicom.ParseTime(s)
		return err == nil && asked.Overlaps(t.Span())
	}
	t, err := dicom.ParseDateTime(s)
	return err == nil && asked.Overlaps(t.UTC(z.fromUTC()))
}

func isNumber(vr dicom.VR) bool {
	switch vr {
	case dicom.VRIS, dicom.VRDS, dicom.VRUS, dicom.VRSS, dicom.VRUL, dicom.VRSL, dicom.VRFL, dicom.VRFD:
		return true
	}
	return false
}
