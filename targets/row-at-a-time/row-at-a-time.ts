/** Row at a time: the published system as it was, a regular expression for each line, one INSERT and one commit for each row, one thread. */
import type { Chunk } from '../../generators/record.js'
import { abortable } from '../abortable.js'
import { settleFailed } from '../settling.js'
import { defineTarget } from '../target.js'
import { readLine } from './line.js'

export const rowAtATime = defineTarget({
  name: 'row-at-a-time',
  summary: 'the published system: a regular expression per line, one INSERT per row, autocommit, one thread',
  options: {},
  image: () => ({ kind: 'rows', keeps: 'all' }),

  async open({ store, settle }) {
    const { format } = store.address
    let inserter = await store.inserter()
    let closed = false
    let idle: Promise<void> = Promise.resolve()

    async function take({ source, first, count, lines }: Chunk): Promise<void> {
      let start = 0
      for (let i = 0; i < count && !closed; i++) {
        const end = lines.indexOf(10, start)
        const line = lines.subarray(start, end)
        start = end + 1
        const position = first + i
        try {
          const reading = readLine(line, format)
          if ('row' in reading) {
            await inserter.insert({ source, position, ...reading.row })
            settle({ source, first: position, count: 1, fate: 'stored' })
          } else {
            await inserter.reject(line, source, position, reading.reason)
            settle({ source, first: position, count: 1, fate: 'rejected', reason: reading.reason })
          }
        } catch (error) {
          settleFailed([{ source, first: position, count: 1 }], error, settle)
          await reopen()
        }
      }
    }

    /** What failed may have been the connection: the next row gets a new one, if there is one to be had. */
    async function reopen(): Promise<void> {
      if (closed) return
      await inserter.close()
      try {
        inserter = await store.inserter()
      } catch {
        // The next row fails on the closed one, says why, and tries again.
        return
      }
      if (closed) await inserter.close()
    }

    return {
      async offer(chunk) {
        if (closed) throw new Error('the target is closed: it takes no more records')
        const taking = take(chunk)
        idle = idle.then(() => taking)
        await taking
      },
      drain: (signal) => abortable(idle, signal),
      async close() {
        closed = true
        await inserter.close()
      },
      parts: () => [{ name: 'thread', kind: 'thread', pid: process.pid, tid: process.pid }],
    }
  },
})
