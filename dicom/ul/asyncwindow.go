package ul

import "errors"

// AsyncOperations is the asynchronous operations window (PS3.7 section
// D.3.3.3): how many operations may be outstanding, 0 for any number.
type AsyncOperations struct{ Invoked, Performed uint16 }

var errAsync = errors.New("an asynchronous operations window that is not 4 bytes long")

func (u *UserInformation) parseAsyncOperations(value []byte) error {
	if u.AsyncOperations != nil {
		return errDuplicate
	}
	if len(value) != 4 {
		return errAsync
	}
	c := cursor{b: value}
	u.AsyncOperations = &AsyncOperations{c.u16(), c.u16()}
	return nil
}

func (w *AsyncOperations) append(dst []byte) []byte {
	return append(dst, itemAsyncOperations, 0, 0, 4,
		byte(w.Invoked>>8), byte(w.Invoked), byte(w.Performed>>8), byte(w.Performed))
}
