/** Worker pool: piscina threads, each parsing its batches and writing them over a connection of its own. */
import { availableParallelism } from 'node:os'
import { Piscina } from 'piscina'
import { Batcher, batchingOptions } from '../batcher.js'
import { settleFailed, settleReceipt } from '../settling.js'
import { defineTarget } from '../target.js'
import { type WorkerAnswer, type WorkerTask, workerUrl } from './worker.js'

export const workerPool = defineTarget({
  name: 'worker-pool',
  summary: 'piscina threads, each with a connection of its own',
  image: () => ({ kind: 'rows', keeps: 'all' }),
  options: {
    workers: { type: 'count', default: availableParallelism(), min: 1, max: 1024, summary: 'threads' },
    ...batchingOptions,
  },

  async open({ store, options, settle }) {
    // One is encoded while the others are on their way into the store.
    const batchesPerWorker = store.batchesAtOnce
    const pool = new Piscina<WorkerTask, WorkerAnswer>({
      filename: workerUrl,
      minThreads: options.workers,
      maxThreads: options.workers,
      concurrentTasksPerWorker: batchesPerWorker,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: { address: store.address },
    })
    // A worker that cannot connect rejects its tasks; without a listener the same error would also end the process.
    pool.on('error', () => undefined)
    const copied = { bytes: 0, records: 0 }
    const numbers = new Map<number, number | undefined>()
    const batcher = new Batcher({ ...options, inFlight: options.workers * batchesPerWorker }, async (batch) => {
      const ranges = batch.map(({ source, first, count }) => ({ source, first, count }))
      try {
        // The lines stay with the worker: sending them back costs more than new memory does (docs/adr/0020-recycled-lines.md).
        const answer = await pool.run({ batch }, { transferList: batch.map((chunk) => chunk.lines.buffer as ArrayBuffer) })
        numbers.set(answer.threadId, answer.tid)
        copied.bytes += answer.copiedBytes
        copied.records += answer.copiedRecords
        settleReceipt(answer.receipt, settle)
      } catch (error) {
        settleFailed(ranges, error, settle)
      }
    })
    // Opening is not part of what is measured: every connection stands before the first record is due.
    try {
      const opened = await Promise.all(Array.from({ length: options.workers * batchesPerWorker }, () => pool.run({ batch: [] })))
      for (const { threadId, tid } of opened) numbers.set(threadId, tid)
    } catch (error) {
      await pool.destroy()
      throw error
    }
    return {
      offer: (chunk) => batcher.add(chunk),
      drain: (signal) => batcher.flush(signal),
      async close() {
        batcher.stop()
        await pool.destroy()
      },
      parts: () =>
        pool.threads.map((thread) => ({
          name: `worker ${thread.threadId}`,
          kind: 'thread',
          pid: process.pid,
          tid: numbers.get(thread.threadId),
          kill: async () => void (await thread.terminate()),
        })),
      counters: () => ({ copiedBytes: copied.bytes, copiedRecords: copied.records }),
    }
  },
})
