package file

import (
	"bytes"
	"testing"
)

// TestScanOfAShrinkingPack reads records at the end of a pack that lost the
// space reserved behind them after its size was asked for.
func TestScanOfAShrinkingPack(t *testing.T) {
	var pack []byte
	record := func(kind uint8) {
		h := header{kind: kind, total: headerSize, pack: 1}
		b := make([]byte, headerSize)
		h.put(b)
		pack = append(pack, b...)
	}
	record(kindObject)
	record(kindVoid)
	s := &scanner{src: bytes.NewReader(pack), pack: 1, end: int64(len(pack)) + reserve}
	for i, kind := range []uint8{kindObject, kindVoid} {
		off, h, ok, err := s.next()
		if err != nil || !ok || h.kind != kind || off != int64(i*headerSize) {
			t.Fatal(i, off, h, ok, err)
		}
		if whole, err := s.frontWhole(off, h); !whole || err != nil {
			t.Error(i, whole, err)
		}
	}
	if _, _, ok, err := s.next(); ok || err != nil || s.dirt {
		t.Error(ok, err, s.dirt)
	}
	if b, err := s.peek(int64(len(pack)-8), 100); len(b) != 8 || err != nil {
		t.Error(len(b), err)
	}
	long := header{kind: kindObject, total: 4 * headerSize, meta: 3 * headerSize, pack: 1}
	if whole, err := s.frontWhole(headerSize, long); whole || err != nil {
		t.Error("a record that the pack's end cuts off is whole:", err)
	}
}
