package message

import (
	"fmt"

	"github.com/tresor-pacs/tresor/internal/audit"
)

// MinLength is the length that every receiver takes (PS3.15 section A.6).
const MinLength = 32768

// Encode returns the XML of a record's message in at most limit bytes. What is
// longer loses its lists of instances and series, then most of its query, its
// details and its other lists; it says how many values were left out. The trail
// has them all.
func Encode(s *Source, r *audit.Record, limit int) ([]byte, error) {
	limit = max(limit, MinLength)
	short := *r
	for step := 0; ; step++ {
		m, err := New(s, &short)
		if err != nil {
			return nil, err
		}
		b, err := m.XML()
		if err != nil || len(b) <= limit {
			return b, err
		}
		if step == len(cuts) {
			return nil, fmt.Errorf("record %d: its message is longer than %d bytes", r.Seq, limit)
		}
		cuts[step](&short.Event)
	}
}

// cuts shorten an event, one after the other.
var cuts = []func(*audit.Event){
	func(e *audit.Event) {
		e.Count = max(e.Count, len(e.Instances))
		e.Omitted += len(e.Instances) + len(e.Series)
		e.Instances, e.Series = nil, nil
	},
	func(e *audit.Event) {
		const some = 4096
		if len(e.Query) > some {
			e.Query = e.Query[:some]
			e.Omitted++
		}
	},
	func(e *audit.Event) {
		// Strings end at audit.MaxString bytes and grow up to six times in XML:
		// four of everything fit whatever is in them.
		const few = 4
		e.Omitted += cut(&e.Details, few) + cut(&e.Studies, few) + cut(&e.Patients, few) + cut(&e.SOPClasses, few)
	},
}

func cut[T any](list *[]T, n int) int {
	left := max(0, len(*list)-n)
	*list = (*list)[:len(*list)-left]
	return left
}
