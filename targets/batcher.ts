/** Collects chunks into batches: a batch closes when it is full or its first chunk has lingered, and a bounded number is written at once. */
import type { Chunk } from '../generators/record.js'
import { Bell } from '../stores/bell.js'

export interface BatcherOptions {
  /** A batch closes with the chunk that brings it to this many records. */
  readonly batchRecords: number
  /** A batch closes this long after its first chunk came, full or not. */
  readonly lingerMs: number
  /** How many batches may be under way before `add` makes its caller wait. */
  readonly inFlight: number
}

/** Options shared by the targets that batch in memory. */
export const batchingOptions = {
  batchRecords: { type: 'count', default: 32_368, min: 1, max: 1_000_000, store: 'batchRecords', summary: 'records written at once' },
  lingerMs: { type: 'milliseconds', default: 100, min: 0, summary: 'longest wait for a batch to fill' },
} as const

/**
 * @param write writes one batch; it must not reject: what became of the records is the settlement's business.
 */
export class Batcher {
  private chunks: Chunk[] = []
  private records = 0
  private timer: NodeJS.Timeout | undefined
  /** The batch has lingered, and waits for one that is under way. */
  private overdue = false
  private stopped = false
  private readonly underWay = new Set<Promise<void>>()
  private readonly done = new Bell()

  constructor(
    private readonly options: BatcherOptions,
    private readonly write: (batch: readonly Chunk[]) => Promise<void>,
  ) {}

  /**
   * Takes a chunk; resolves when there is room for another.
   * @throws after `stop`
   */
  async add(chunk: Chunk): Promise<void> {
    if (this.stopped) throw new Error('the target is closed: it takes no more records')
    this.chunks.push(chunk)
    this.records += chunk.count
    if (this.records >= this.options.batchRecords) this.close()
    else if (!this.overdue) this.timer ??= setTimeout(() => this.lingered(), this.options.lingerMs)
    while (this.underWay.size >= this.options.inFlight) await this.done.next()
  }

  /** Writes what is left and resolves when nothing is under way; rejects when the signal is aborted first. */
  async flush(signal: AbortSignal): Promise<void> {
    this.close()
    while (this.underWay.size > 0) {
      signal.throwIfAborted()
      await this.done.next(signal)
    }
  }

  /** Forgets what was not yet handed to `write`, and takes no more. */
  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.timer = undefined
    this.overdue = false
    this.chunks = []
    this.records = 0
    this.done.ring()
  }

  private lingered(): void {
    this.timer = undefined
    if (this.underWay.size < this.options.inFlight) this.close()
    else this.overdue = true
  }

  private close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.overdue = false
    if (this.chunks.length === 0) return
    const batch = this.chunks
    this.chunks = []
    this.records = 0
    const writing = this.write(batch).finally(() => {
      this.underWay.delete(writing)
      if (this.overdue) this.close()
      this.done.ring()
    })
    this.underWay.add(writing)
  }
}
