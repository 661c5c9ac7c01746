package dicomweb

import (
	"errors"
	"net/http"
	"slices"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/encoding"
	"github.com/tresor-pacs/tresor/internal/archive"
)

var retrieveRoutes = []Route{
	{http.MethodGet, studyPath, "Retrieve Study", "PS3.18 section 10.4.1.1.1", fileForm, serveInstances},
	{http.MethodGet, seriesPath, "Retrieve Series", "PS3.18 section 10.4.1.1.1", fileForm, serveInstances},
	{http.MethodGet, instancePath, "Retrieve Instance", "PS3.18 section 10.4.1.1.1", fileForm, serveInstances},
}

var fileForm = &Form{Answers: []string{partsOf(typeDICOM), typeDICOM, typeZip}, Query: []Parameter{acceptParameter}}

// serveInstances answers instances as files of PS3.10: several in parts or in a
// container, one alone too if the client wants it so.
func serveInstances(x *exchange) error {
	r, err := x.retrieve()
	if err != nil {
		return err
	}
	how, targets, err := x.forms(r)
	switch {
	case err != nil:
		return err
	case how == asZip:
		return x.zip(r, targets)
	case how == alone:
		s, err := x.open(r, &r.Entries[0])
		if err != nil {
			return err
		}
		defer s.Close()
		return x.serveFile(s, targets[0])
	}
	return x.writeParts(r, targets)
}

func (x *exchange) writeParts(r *archive.Retrieval, targets []encoding.TransferSyntax) (err error) {
	p := x.multipart(typeDICOM)
	if len(r.Entries) > 1 {
		b := newBehind(x.w)
		defer func() { err = errors.Join(err, b.Stop()) }()
		p.out = b
	}
	for i := range r.Entries {
		if err := x.ctx().Err(); err != nil {
			return err // nobody waits for it any more
		}
		if err := x.writePart(p, r, &r.Entries[i], targets[i]); err != nil {
			return err
		}
	}
	return p.end()
}

func (x *exchange) writePart(p *parts, r *archive.Retrieval, e *archive.Entry, to encoding.TransferSyntax) error {
	s, err := x.open(r, e)
	if err != nil {
		return err
	}
	defer s.Close()
	write, err := x.file(s, to) // before the part begins, so that the first can still fail with a status
	if err != nil {
		return err
	}
	w, err := p.next(typeDICOM, to.UID, x.resource(e.Study, e.Series, e.Instance))
	if err != nil {
		return err
	}
	return write(w)
}

// form is how instances are answered.
type form int

const (
	inParts form = iota
	alone
	asZip
)

// forms decides how instances are answered, and in which transfer syntax each
// goes out. The range that the client likes best and that serves all instances
// wins.
func (x *exchange) forms(r *archive.Retrieval) (how form, targets []encoding.TransferSyntax, err error) {
	ranges, err := accepts(x.Request)
	if err != nil {
		return inParts, nil, err
	}
	slices.SortStableFunc(ranges, func(a, b mediaRange) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	err = notAcceptable("none of the acceptable media types can be had")
	for i := range ranges {
		m := &ranges[i]
		if m.q == 0 || !m.takesFiles(len(r.Entries)) {
			continue
		}
		var tried error
		if targets, tried = targetsOf(r, dicom.UID(m.syntax)); tried == nil {
			return m.form(), targets, nil
		}
		err = tried
	}
	return inParts, nil, err
}

func (m *mediaRange) form() form {
	switch {
	case m.multipart:
		return inParts
	case m.typ == typeZip:
		return asZip
	case m.typ == typeDICOM:
		return alone
	}
	return inParts
}

// takesFiles reports whether n files can be an answer of the range.
func (m *mediaRange) takesFiles(n int) bool {
	if m.multipart {
		return m.typ == typeDICOM || m.typ == "" || m.typ == "*/*" || m.typ == "application/*"
	}
	return m.typ == "*/*" || m.typ == typeZip || n == 1 && m.typ == typeDICOM
}

func targetsOf(r *archive.Retrieval, wanted dicom.UID) ([]encoding.TransferSyntax, error) {
	list := make([]encoding.TransferSyntax, len(r.Entries))
	for i := range r.Entries {
		from, ok := encoding.Lookup(r.Entries[i].TransferSyntax)
		if !ok {
			return nil, encoding.ErrTransferSyntax
		}
		to, err := target(from, wanted)
		if err != nil {
			return nil, err
		}
		list[i] = to
	}
	return list, nil
}
