/** The engine of `weir generate`: renders a range of a stream in worker threads and writes it, in order, to a descriptor or as files. */
import { accessSync, constants, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Assignment, type Outcome, Slot, workerUrl } from './generate-worker.js'
import { kernelModule } from './kernel/kernel.js'
import { blockRecords, checkStream } from './renderer.js'
import type { StreamSpec } from './source.js'

/** Where the lines go: an open descriptor, which stays open, or a folder that gets files of `recordsPerFile` lines each. */
export type Sink = { readonly fd: number } | { readonly directory: string; readonly recordsPerFile?: number }

export interface Progress {
  readonly records: number
  readonly bytes: number
}

export interface GenerateOptions {
  readonly spec: StreamSpec
  /** Position of the first record, and how many there are. */
  readonly first: number
  readonly count: number
  /** Threads that render and write; the bytes are the same whatever their number. */
  readonly workers: number
  readonly sink: Sink
  /** Called about four times a second, and once at the end. */
  readonly onProgress?: (progress: Progress) => void
  /** Stops between two writes; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface Generated extends Progress {
  /** The reader closed the pipe before it had everything: an end, not an error. */
  readonly closed: boolean
  /** Files written, when the sink is a folder. */
  readonly files: number
}

/** Lines of a file when the sink does not say: some 230 MB of the combined format. */
export const defaultRecordsPerFile = 1_000_000

const partial = /^access-\d{6,}\.log\.partial$/

/**
 * Generates records first .. first+count. Files are called access-000001.log and so on; each is written under the name
 * with `.partial` and renamed when it is complete, and what is incomplete when it fails or is aborted is removed.
 * @throws an Error for the person at the terminal when the folder cannot be written, already holds such files, or is full.
 */
export async function generate(options: GenerateOptions): Promise<Generated> {
  const { spec, first, count, sink, signal } = options
  checkStream(spec)
  signal?.throwIfAborted()
  const recordsPerFile = 'directory' in sink ? (sink.recordsPerFile ?? defaultRecordsPerFile) : 0
  if ('directory' in sink) prepareDirectory(sink.directory)
  const pieces = recordsPerFile > 0 ? Math.ceil(count / recordsPerFile) : Math.ceil(count / blockRecords) + 1
  const workers = Math.max(1, Math.min(options.workers, pieces))
  const shared = new SharedArrayBuffer(Slot.bytes)
  const control = new Int32Array(shared)
  const counters = new BigInt64Array(shared)
  const progress = (): Progress => ({
    records: Number(Atomics.load(counters, Slot.records)),
    bytes: Number(Atomics.load(counters, Slot.bytesWritten)),
  })
  const stop = () => {
    Atomics.store(control, Slot.stop, 1)
    Atomics.notify(control, Slot.turn)
  }
  signal?.addEventListener('abort', stop, { once: true })
  const timer = options.onProgress && setInterval(() => options.onProgress?.(progress()), 250)
  try {
    const assignment: Omit<Assignment, 'index'> = {
      weirGenerate: true,
      spec,
      first,
      count,
      workers,
      shared,
      module: kernelModule(),
      sink: 'fd' in sink ? { fd: sink.fd } : { directory: sink.directory, recordsPerFile },
    }
    const outcomes = await Promise.all(Array.from({ length: workers }, (_, index) => work({ ...assignment, index }, stop)))
    const failure = outcomes.find((outcome) => outcome.error !== undefined)
    if (failure?.error !== undefined) throw new Error(failure.error)
    signal?.throwIfAborted()
    options.onProgress?.(progress())
    return {
      ...progress(),
      closed: outcomes.some((outcome) => outcome.closed),
      files: outcomes.reduce((sum, outcome) => sum + outcome.files, 0),
    }
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', stop)
    if ('directory' in sink) removePartials(sink.directory)
  }
}

/** Runs one worker to its end. A worker that fails stops the others. */
function work(assignment: Assignment, stop: () => void): Promise<Outcome> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(workerUrl), { workerData: assignment, execArgv: [] })
    let outcome: Outcome = { closed: false, files: 0 }
    worker.on('message', (message: Outcome) => {
      outcome = message
    })
    worker.on('error', (error) => {
      outcome = { closed: false, files: 0, error: `a rendering thread failed: ${error.message}` }
      stop()
    })
    worker.on('exit', () => resolve(outcome))
  })
}

function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.W_OK | constants.X_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason =
      code === 'EEXIST' || code === 'ENOTDIR' ? 'is not a folder' : code === 'EROFS' ? 'is on a read-only disk' : 'cannot be written'
    throw new Error(`${directory} ${reason}; choose another folder, or change its permissions`, { cause })
  }
  removePartials(directory)
  const old = readdirSync(directory).find((name) => /^access-\d{6,}\.log$/.test(name))
  if (old !== undefined) throw new Error(`${directory} already holds ${old}; choose an empty folder, or remove the files first`)
}

function removePartials(directory: string): void {
  for (const name of readdirSync(directory)) if (partial.test(name)) rmSync(join(directory, name), { force: true })
}
