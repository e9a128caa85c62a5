package weir

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Formats as the kernel numbers them.
var formats = []string{"combined", "common", "json"}

const (
	// Longest line that the kernel renders, newline included.
	longestLineBytes = 2048
	// Size of the buffer that one call renders into; what is larger comes in pieces.
	bufferBytes = 1 << 20
	// Where the stream of the profile web begins, seconds since the epoch (2026-01-01), and how dense it is, unless told otherwise.
	defaultStartSecond   = 1767225600
	defaultRecordsPerDay = 15_000_000
)

// kernels makes instances of the one module that Weir itself loads: compiled once for the process. There are as many as
// render at the same time, however many virtual users there are: each has megabytes of memory.
type kernels struct {
	once     sync.Once
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	err      error
	mutex    sync.Mutex
	idle     []*kernel
}

// kernelPath says where the kernel lies: WEIR_KERNEL, or where a build of Weir has put it.
func kernelPath() (string, error) {
	if given := os.Getenv("WEIR_KERNEL"); given != "" {
		return given, nil
	}
	places := []string{filepath.Join("dist", "generators", "kernel", "kernel.wasm")}
	if program, err := os.Executable(); err == nil {
		places = append([]string{filepath.Join(filepath.Dir(program), "generators", "kernel", "kernel.wasm")}, places...)
	}
	for _, place := range places {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", fmt.Errorf("there is no kernel.wasm in %s: build Weir (npm run build), or say where it is with WEIR_KERNEL", strings.Join(places, " or "))
}

func (k *kernels) load(ctx context.Context) error {
	k.once.Do(func() {
		path, err := kernelPath()
		if err != nil {
			k.err = err
			return
		}
		code, err := os.ReadFile(path)
		if err != nil {
			k.err = fmt.Errorf("the kernel cannot be read: %w", err)
			return
		}
		k.runtime = wazero.NewRuntime(ctx)
		if k.compiled, err = k.runtime.CompileModule(ctx, code); err != nil {
			k.err = fmt.Errorf("%s is no kernel: %w", path, err)
		}
	})
	return k.err
}

// kernel is an instance with a memory of its own, for one goroutine.
type kernel struct {
	module                     api.Module
	start, render, renderedNum api.Function
	buffer                     uint32
	stream                     stream
}

// stream is what the bytes of a record depend on, beside its position.
type stream struct {
	seed          uint64
	format        int
	startSecond   int64
	recordsPerDay int64
}

func (k *kernels) instance(ctx context.Context) (*kernel, error) {
	if err := k.load(ctx); err != nil {
		return nil, err
	}
	// Without a name, so that there can be any number.
	module, err := k.runtime.InstantiateModule(ctx, k.compiled, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return nil, fmt.Errorf("the kernel does not start: %w", err)
	}
	made := &kernel{
		module:      module,
		start:       module.ExportedFunction("renderStream"),
		render:      module.ExportedFunction("render"),
		renderedNum: module.ExportedFunction("renderedCount"),
	}
	alloc := module.ExportedFunction("alloc")
	if made.start == nil || made.render == nil || made.renderedNum == nil || alloc == nil {
		return nil, fmt.Errorf("the kernel has other functions than this extension knows: build both from the same sources")
	}
	results, err := alloc.Call(ctx, bufferBytes)
	if err != nil {
		return nil, fmt.Errorf("the kernel has no room for lines: %w", err)
	}
	made.buffer = api.DecodeU32(results[0])
	made.stream.format = -1
	return made, nil
}

// lines renders records first .. first+count of a stream, newline-terminated, with whatever instance is idle.
func (k *kernels) lines(ctx context.Context, of stream, first, count int64) ([]byte, error) {
	instance, err := k.take(ctx)
	if err != nil {
		return nil, err
	}
	// One that failed half-way is not used again.
	bytes, err := instance.lines(ctx, of, first, count)
	if err == nil {
		k.mutex.Lock()
		k.idle = append(k.idle, instance)
		k.mutex.Unlock()
	}
	return bytes, err
}

func (k *kernels) take(ctx context.Context) (*kernel, error) {
	k.mutex.Lock()
	if last := len(k.idle) - 1; last >= 0 {
		instance := k.idle[last]
		k.idle = k.idle[:last]
		k.mutex.Unlock()
		return instance, nil
	}
	k.mutex.Unlock()
	return k.instance(ctx)
}

// lines renders records first .. first+count of a stream, newline-terminated.
func (k *kernel) lines(ctx context.Context, of stream, first, count int64) ([]byte, error) {
	if of != k.stream {
		if _, err := k.start.Call(ctx, api.EncodeI32(int32(of.format)), of.seed, api.EncodeI64(of.startSecond), api.EncodeI64(of.recordsPerDay)); err != nil {
			return nil, err
		}
		k.stream = of
	}
	// A little more than the mean line of the longest format needs.
	out := make([]byte, 0, count*272)
	for done := int64(0); done < count; {
		results, err := k.render.Call(ctx, api.EncodeI64(first+done), api.EncodeI32(int32(min(count-done, math.MaxInt32))), api.EncodeU32(k.buffer), api.EncodeI32(bufferBytes))
		if err != nil {
			return nil, err
		}
		bytes, ok := k.module.Memory().Read(k.buffer, api.DecodeU32(results[0]))
		if !ok {
			return nil, fmt.Errorf("the kernel rendered beyond its memory")
		}
		out = append(out, bytes...)
		if results, err = k.renderedNum.Call(ctx); err != nil {
			return nil, err
		}
		rendered := int64(api.DecodeI32(results[0]))
		if rendered <= 0 {
			return nil, fmt.Errorf("the kernel rendered nothing at record %d", first+done)
		}
		done += rendered
	}
	return out, nil
}
