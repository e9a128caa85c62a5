/** A thread of `weir generate`: renders its share of the blocks and writes each when its turn has come. */
import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { blockRecords, Renderer } from './renderer.js'
import type { StreamSpec } from './source.js'

/** Starts a worker: `new Worker(new URL(workerUrl), { workerData: assignment })`. */
export const workerUrl = import.meta.url

/** What the threads share: 32-bit words `turn` and `stop`, 64-bit words `records` and `bytesWritten`. */
export const Slot = { turn: 0, stop: 1, records: 1, bytesWritten: 2, bytes: 24 } as const

export interface Assignment {
  readonly weirGenerate: true
  readonly spec: StreamSpec
  readonly first: number
  readonly count: number
  readonly index: number
  readonly workers: number
  readonly shared: SharedArrayBuffer
  readonly module: WebAssembly.Module
  readonly sink: { readonly fd: number } | { readonly directory: string; readonly recordsPerFile: number }
}

export interface Outcome {
  readonly closed: boolean
  readonly files: number
  readonly error?: string
}

/** A block of the longest format fits, so that a thread renders ahead while another writes. */
const sharedBufferBytes = 6 << 20
/** Alone, a thread is fastest while its buffer stays in the processor's cache. */
const loneBufferBytes = 256 << 10

class Stopped extends Error {}

function run(assignment: Assignment): Outcome {
  const { spec, first, count, index, workers, shared, sink } = assignment
  const control = new Int32Array(shared)
  const counters = new BigInt64Array(shared)
  const alone = workers === 1 || 'directory' in sink
  const lone = 'fd' in sink && isPipe(sink.fd) ? pipePieceBytes : loneBufferBytes
  const renderer = new Renderer(spec, alone ? lone : sharedBufferBytes, assignment.module)
  const end = first + count

  function write(fd: number, from: number, to: number, mayWrite: () => void): void {
    const piece = isPipe(fd) ? pipePieceBytes : Number.POSITIVE_INFINITY
    for (let position = from; position < to; ) {
      const { bytes, count: rendered } = renderer.render(position, to - position)
      mayWrite()
      if (Atomics.load(control, Slot.stop) !== 0) throw new Stopped()
      writeAll(fd, bytes, piece)
      position += rendered
      Atomics.add(counters, Slot.records, BigInt(rendered))
      Atomics.add(counters, Slot.bytesWritten, BigInt(bytes.length))
    }
  }

  if ('directory' in sink) {
    let files = 0
    for (let file = index; first + file * sink.recordsPerFile < end; file += workers) {
      const from = first + file * sink.recordsPerFile
      const path = join(sink.directory, `access-${String(file + 1).padStart(6, '0')}.log`)
      writeFile(path, (fd) => write(fd, from, Math.min(end, from + sink.recordsPerFile), () => {}))
      files++
    }
    return { closed: false, files }
  }

  const firstBlock = Math.floor(first / blockRecords)
  for (let turn = index; (firstBlock + turn) * blockRecords < end; turn += workers) {
    const block = (firstBlock + turn) * blockRecords
    write(sink.fd, Math.max(first, block), Math.min(end, block + blockRecords), () => awaitTurn(control, turn))
    Atomics.store(control, Slot.turn, turn + 1)
    Atomics.notify(control, Slot.turn)
  }
  return { closed: false, files: 0 }
}

function awaitTurn(control: Int32Array, turn: number): void {
  for (;;) {
    const now = Atomics.load(control, Slot.turn)
    if (now === turn || Atomics.load(control, Slot.stop) !== 0) return
    // The limit covers a stop that is signalled between the test and the wait.
    Atomics.wait(control, Slot.turn, now, 100)
  }
}

/**
 * What is rendered and written at once into a pipe, which holds 64 KiB: in small pieces its reader works while the next is
 * made; a writer that fills it waits, and was measured to be half as fast.
 */
const pipePieceBytes = 16 << 10

function isPipe(fd: number): boolean {
  return fstatSync(fd).isFIFO()
}

const pause = new Int32Array(new SharedArrayBuffer(4))
/** Blocking twins of descriptors that turned out not to block. */
const blocking = new Map<number, number>()

/** Writes everything. A pipe that does not block (its flags come from whoever opened it) is opened anew, or waited for. */
function writeAll(fd: number, bytes: Uint8Array, piece: number): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(blocking.get(fd) ?? fd, bytes, written, Math.min(piece, bytes.length - written))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      if (!blocking.has(fd)) blocking.set(fd, blockingTwin(fd))
      else Atomics.wait(pause, 0, 0, 0.1)
    }
  }
}

function blockingTwin(fd: number): number {
  try {
    return openSync(`/dev/fd/${fd}`, 'w')
  } catch {
    return fd // a socket: the caller waits
  }
}

/** Writes a file under a partial name and renames it when it is complete. */
function writeFile(path: string, fill: (fd: number) => void): void {
  const partial = `${path}.partial`
  let fd: number | undefined
  try {
    fd = openSync(partial, 'w')
    fill(fd)
    closeSync(fd)
    fd = undefined
    renameSync(partial, path)
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    rmSync(partial, { force: true })
    throw error instanceof Stopped ? error : writingError(path, error as NodeJS.ErrnoException)
  }
}

function writingError(path: string, cause: NodeJS.ErrnoException): Error {
  const text =
    cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
      ? `no space left to write ${path}; free some, choose another folder, or generate less`
      : cause.code === 'EACCES' || cause.code === 'EPERM' || cause.code === 'EROFS'
        ? `${path} may not be written; choose another folder, or change its permissions`
        : `${path} cannot be written: ${cause.message}`
  return new Error(text, { cause })
}

/** Runs the assignment and turns whatever ends it into an outcome; a failure stops the other threads. */
function outcomeOf(assignment: Assignment): Outcome {
  try {
    return run(assignment)
  } catch (error) {
    const control = new Int32Array(assignment.shared)
    Atomics.store(control, Slot.stop, 1)
    Atomics.notify(control, Slot.turn)
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof Stopped) return { closed: false, files: 0 }
    if (code === 'EPIPE') return { closed: true, files: 0 }
    const full = code === 'ENOSPC' || code === 'EDQUOT'
    return {
      closed: false,
      files: 0,
      error: full
        ? 'no space left for the output; free some, or write it elsewhere'
        : code
          ? `the output cannot be written: ${message}`
          : message,
    }
  }
}

const assignment = workerData as Assignment | null
if (parentPort !== null && assignment?.weirGenerate === true) parentPort.postMessage(outcomeOf(assignment))
