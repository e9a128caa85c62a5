/** Single thread: the published architecture with larger transactions, one connection, parsing and writing in the driver's own thread. */
import { Batcher, batchingOptions } from './batcher.js'
import { settleFailed, settleReceipt } from './settling.js'
import { defineTarget } from './target.js'

export const singleThread = defineTarget({
  name: 'single-thread',
  summary: 'one thread, one connection, one COPY for each batch',
  options: batchingOptions,
  image: () => ({ kind: 'rows', keeps: 'all' }),

  async open({ store, options, settle, recycle }) {
    const writer = await store.writer()
    // One is encoded while the others are on their way into the store.
    const batcher = new Batcher({ ...options, inFlight: store.batchesAtOnce }, async (batch) => {
      try {
        settleReceipt(await writer.write(batch), settle)
      } catch (error) {
        settleFailed(batch, error, settle)
      }
      for (const { lines } of batch) recycle(lines)
    })
    return {
      offer: (chunk) => batcher.add(chunk),
      drain: (signal) => batcher.flush(signal),
      async close() {
        batcher.stop()
        await writer.close()
      },
      parts: () => [{ name: 'thread', kind: 'thread', pid: process.pid, tid: process.pid }],
      counters: () => ({ copiedBytes: writer.copied().bytes, copiedRecords: writer.copied().records }),
    }
  },
})
