/** Multi-instance: processes that claim spooled logfiles by optimistic locking and write each with its claim in one transaction. */

import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineTarget } from '../target.js'
import { Coordinator } from './coordinator.js'

export const multiInstance = defineTarget({
  name: 'multi-instance',
  summary: 'processes that claim spooled logfiles by optimistic locking; exactly once even when one is killed',
  image: () => ({ kind: 'rows', keeps: 'all' }),
  options: {
    instances: { type: 'count', default: availableParallelism(), min: 1, max: 1024, summary: 'processes at the most' },
    minInstances: { type: 'count', default: 0, min: 0, max: 1024, summary: 'processes kept when there is no backlog; 0 keeps all' },
    fileRecords: {
      type: 'count',
      default: 32_368,
      min: 1,
      max: 1_000_000,
      store: 'batchRecords',
      summary: 'records after which a logfile is closed',
    },
    fileLingerMs: { type: 'milliseconds', default: 100, min: 1, summary: 'longest wait for a logfile to fill' },
    leaseMs: { type: 'milliseconds', default: 5000, min: 100, summary: 'after which the file of a dead instance is taken over' },
    pollMs: { type: 'milliseconds', default: 250, min: 10, summary: 'how often an idle instance looks for files unasked' },
    spoolFsync: { type: 'flag', default: true, summary: 'have the disk confirm a spooled file before it is offered' },
  },
  unsupported: (store) => (store.logfiles === undefined ? (store.lacks.claims ?? 'it has no logfiles to claim') : undefined),

  async open({ store, options, settle, recycle, scratch }) {
    const folder = await mkdtemp(join(scratch, 'spool-'))
    const coordinator = new Coordinator({ store, options, settle, recycle, folder })
    try {
      await coordinator.start()
    } catch (error) {
      await coordinator.close()
      throw error
    }
    return {
      offer: (chunk) => coordinator.offer(chunk),
      drain: (signal) => coordinator.drain(signal),
      async close() {
        await coordinator.close()
        await rm(folder, { recursive: true, force: true })
      },
      parts: () => coordinator.parts(),
      counters: () => coordinator.counters(),
      trouble: () => coordinator.trouble(),
    }
  },
})
