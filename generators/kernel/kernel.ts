/** Loads the kernel: the one WebAssembly module that renders, parses, encodes and digests lines, without imports. */
import { readFileSync } from 'node:fs'

const url = new URL('./kernel.wasm', import.meta.url)
let compiled: WebAssembly.Module | undefined

/** The compiled module, once for the process; it can be posted to workers. */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(url))
  return compiled
}

/** An instance of its own, with a memory of its own. Memory only grows, and `alloc` never frees: allocate once, reuse. */
export class Kernel {
  readonly exports: Readonly<Record<string, CallableFunction>>
  readonly memory: WebAssembly.Memory
  private view: Uint8Array

  constructor(module: WebAssembly.Module = kernelModule()) {
    const instance = new WebAssembly.Instance(module, {})
    this.exports = instance.exports as Record<string, CallableFunction>
    this.memory = instance.exports['memory'] as WebAssembly.Memory
    this.view = new Uint8Array(this.memory.buffer)
  }

  /** The whole memory; fetch it again after anything that may allocate. */
  bytes(): Uint8Array {
    if (this.view.buffer !== this.memory.buffer) this.view = new Uint8Array(this.memory.buffer)
    return this.view
  }

  /** Reserves bytes for good, 16-aligned. */
  alloc(bytes: number): number {
    return (this.exports['alloc'] as (bytes: number) => number)(bytes) >>> 0
  }
}
