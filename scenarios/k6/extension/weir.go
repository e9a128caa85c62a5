// Package weir is the k6 extension k6/x/weir: log lines for virtual users, rendered by the kernel that Weir itself loads,
// and a ledger of what became of them, so that an audit can say of every record whether it was offered.
package weir

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/js/common"
	"go.k6.io/k6/js/modules"
	"go.k6.io/k6/lib"
)

func init() {
	modules.Register("k6/x/weir", new(root))
}

// root is shared by all virtual users of the process.
type root struct {
	kernels kernels
	ledger  ledger
}

// instance belongs to one virtual user.
type instance struct {
	root *root
	vu   modules.VU
}

// NewModuleInstance is called by k6, once for each virtual user.
func (r *root) NewModuleInstance(vu modules.VU) modules.Instance {
	return &instance{root: r, vu: vu}
}

// Exports is called by k6.
func (i *instance) Exports() modules.Exports {
	return modules.Exports{Named: map[string]any{
		"lines":        i.lines,
		"segment":      i.segment,
		"sinceStartMs": i.sinceStartMs,
		"note":         i.note,
		"noted":        i.root.ledger.noted,
	}}
}

// options are what lines takes beside its arguments.
type options struct {
	StartMs       *int64 `js:"startMs"`
	RecordsPerDay *int64 `js:"recordsPerDay"`
}

// lines(seed, first, count, format = "combined", { startMs, recordsPerDay }) is an ArrayBuffer with records
// first .. first+count of the stream of the profile web, newline-terminated. The seed is a string of digits when it is
// larger than numbers can say exactly.
func (i *instance) lines(seed sobek.Value, first, count int64, format string, given sobek.Value) sobek.ArrayBuffer {
	runtime := i.vu.Runtime()
	of, err := i.streamOf(seed, format, given)
	if err == nil && (first < 0 || count < 0 || count > math.MaxInt32) {
		err = fmt.Errorf("there are no %d records from %d on", count, first)
	}
	var bytes []byte
	if err == nil {
		bytes, err = i.root.kernels.lines(context.Background(), of, first, count)
	}
	if err != nil {
		common.Throw(runtime, fmt.Errorf("weir.lines: %w", err))
	}
	return runtime.NewArrayBuffer(bytes)
}

func (i *instance) streamOf(seed sobek.Value, format string, given sobek.Value) (stream, error) {
	of := stream{startSecond: defaultStartSecond, recordsPerDay: defaultRecordsPerDay}
	if seed == nil {
		return of, fmt.Errorf("give a seed, such as 1")
	}
	var err error
	if of.seed, err = strconv.ParseUint(seed.String(), 10, 64); err != nil {
		return of, fmt.Errorf("seed %q is not a whole number from 0 to 18446744073709551615", seed.String())
	}
	if format == "" {
		format = formats[0]
	}
	if of.format = slices.Index(formats, format); of.format < 0 {
		return of, fmt.Errorf("format %q is unknown; there are %v", format, formats)
	}
	if given == nil || sobek.IsUndefined(given) || sobek.IsNull(given) {
		return of, nil
	}
	var asked options
	if err := i.vu.Runtime().ExportTo(given, &asked); err != nil {
		return of, fmt.Errorf("options are { startMs, recordsPerDay }: %w", err)
	}
	if asked.StartMs != nil {
		if *asked.StartMs%1000 != 0 || *asked.StartMs < 0 {
			return of, fmt.Errorf("startMs %d is not a whole second since 1970, in milliseconds", *asked.StartMs)
		}
		of.startSecond = *asked.StartMs / 1000
	}
	if asked.RecordsPerDay != nil {
		if *asked.RecordsPerDay < 1 || *asked.RecordsPerDay > 1e11 {
			return of, fmt.Errorf("recordsPerDay %d is not a whole number from 1 to 10^11", *asked.RecordsPerDay)
		}
		of.recordsPerDay = *asked.RecordsPerDay
	}
	return of, nil
}

// segment(index, of, records) is { first, count }: share index (from 1) of a stream of so many records, as Weir cuts it.
func (i *instance) segment(index, of, records int64) span {
	if of < 1 || index < 1 || index > of || records < 0 {
		common.Throw(i.vu.Runtime(), fmt.Errorf("weir.segment: there is no share %d of %d of %d records", index, of, records))
	}
	first := share(index-1, of, records)
	return span{first, share(index, of, records) - first}
}

// share is floor(index * records / of) without an intermediate that is too large.
func share(index, of, records int64) int64 {
	return records/of*index + records%of*index/of
}

// sinceStartMs() is the time since the scenario of this virtual user began, in milliseconds with fractions, on a clock that
// nobody sets. The executor counts its iterations from the same instant, so an iteration is due at its number over the rate.
func (i *instance) sinceStartMs() float64 {
	var state *lib.ScenarioState
	if i.vu.State() != nil {
		state = lib.GetScenarioState(i.vu.Context())
	}
	if state == nil {
		common.Throw(i.vu.Runtime(), fmt.Errorf("weir.sinceStartMs: no scenario has begun; call it from a virtual user"))
	}
	return float64(time.Since(state.StartTime)) / float64(time.Millisecond)
}

// note(fate, first, count) enters what became of records: sent (on their way), then accepted, refused or failed; or dropped
// (due and never sent).
func (i *instance) note(fate string, first, count int64) {
	if err := i.root.ledger.note(fate, first, count); err != nil {
		common.Throw(i.vu.Runtime(), fmt.Errorf("weir.note: %w", err))
	}
}
