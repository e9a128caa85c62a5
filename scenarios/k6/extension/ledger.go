package weir

import (
	"fmt"
	"slices"
	"sync"
)

// What a script may say of records that it offered: that they are on their way, and then what became of them. Records that
// are on their way for ever (the iteration was interrupted) are in doubt. Dropped ones were due and never sent.
var fates = []string{"sent", "accepted", "refused", "failed", "dropped"}

// span is records first .. first+count.
type span struct {
	First int64 `js:"first"`
	Count int64 `js:"count"`
}

// ledger notes what became of every record that the virtual users of this process offered.
type ledger struct {
	mutex sync.Mutex
	spans map[string][]span
}

func (l *ledger) note(fate string, first, count int64) error {
	if !slices.Contains(fates, fate) {
		return fmt.Errorf("no record can be %q: there are %v", fate, fates)
	}
	if first < 0 || count < 1 {
		return fmt.Errorf("records %d to %d are none", first, first+count)
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.spans == nil {
		l.spans = map[string][]span{}
	}
	list := l.spans[fate]
	// A virtual user's records follow each other.
	for i := len(list) - 1; i >= 0 && i >= len(list)-64; i-- {
		if list[i].First+list[i].Count == first {
			list[i].Count += count
			return nil
		}
	}
	l.spans[fate] = append(list, span{first, count})
	return nil
}

// noted lists what was noted of each fate, in order, neighbours taken together.
func (l *ledger) noted() map[string][]span {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	all := map[string][]span{}
	for fate, list := range l.spans {
		sorted := slices.Clone(list)
		slices.SortFunc(sorted, func(a, b span) int { return int(min(1, max(-1, a.First-b.First))) })
		merged := sorted[:0]
		for _, each := range sorted {
			if last := len(merged) - 1; last >= 0 && merged[last].First+merged[last].Count == each.First {
				merged[last].Count += each.Count
			} else {
				merged = append(merged, each)
			}
		}
		all[fate] = merged
	}
	return all
}
