package dicomweb

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// TestInOrder: what many make at once comes in order, and whole up to an error.
func TestInOrder(t *testing.T) {
	number := func(_ context.Context, i int, b []byte) ([]byte, error) {
		return strconv.AppendInt(append(b, ','), int64(i), 10), nil
	}
	for _, n := range []int{0, 1, pieceItems - 1, pieceItems, pieceItems + 1, 1000} {
		var got, want strings.Builder
		for i := range n {
			want.WriteString("," + strconv.Itoa(i))
		}
		for b, err := range inOrder(t.Context(), n, number) {
			if err != nil {
				t.Fatal(err)
			}
			got.Write(b)
		}
		if got.String() != want.String() {
			t.Errorf("%d items came as %.100s", n, got.String())
		}
	}
	broken := errors.New("broken")
	var last error
	pieces := 0
	for _, err := range inOrder(t.Context(), 1000, func(ctx context.Context, i int, b []byte) ([]byte, error) {
		if i == 100 {
			return nil, broken
		}
		return number(ctx, i, b)
	}) {
		if last != nil {
			t.Fatal("a piece after an error")
		}
		pieces, last = pieces+1, err
	}
	if last != broken || pieces != 100/pieceItems+1 {
		t.Errorf("%d pieces, then %v", pieces, last)
	}
	last = nil
	for _, err := range inOrder(t.Context(), 40, func(context.Context, int, []byte) ([]byte, error) { panic("a bug") }) {
		last = err
	}
	if last == nil {
		t.Error("a panic passed for an answer")
	}
	for range inOrder(t.Context(), 1000, number) {
		break // whoever leaves early waits for nobody
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, err := range inOrder(ended, 1000, number) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Error(last)
	}
}
