/** Makes generator, target, store, disk and machine the bottleneck in turn, on a real Postgres, and sees each named. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { streamSource } from '../generators/stream.js'
import type { Bound } from '../results/result.js'
import { connect } from '../stores/postgres/connect.js'
import { rowTable } from '../stores/postgres/layout.js'
import { id, sql } from '../stores/postgres/sql.js'
import { settleReceipt } from '../targets/settling.js'
import { singleThread } from '../targets/single-thread.js'
import { type Chunk, defineTarget, type TargetModule } from '../targets/target.js'
import { type BoundReport, boundReport } from './bound-report.js'
import { systemClock } from './clock.js'
import { Contender } from './contender.js'
import { generatorCpuPerRecord } from './generator-cost.js'
import { openSite, type Site } from './site.js'

const source = streamSource({
  kind: 'stream',
  source: 1,
  profile: 'web',
  seed: '5',
  format: 'combined',
  startMs: Date.UTC(2026, 0, 1),
  recordsPerDay: 1_000_000,
})
const scratch = mkdtempSync(join(tmpdir(), 'weir-test-bound-'))
const { signal } = new AbortController()
let postgres: Site
let nothing: Site
/** Of the null store, and CPU seconds of the generator for each record. */
let nullRate: number
let generatorCpu: number
let schemas = 0

test.before(async () => {
  postgres = await openSite({ name: 'postgres', url: '' }, { durability: 'power', dataDirectory: null })
  nothing = await openSite({ name: 'null', url: '' }, { durability: 'power', dataDirectory: null })
  generatorCpu = (await generatorCpuPerRecord(source)) ?? 0
  nullRate = (await measured(singleThread, nothing, 200_000)).rate
})

test.after(async () => {
  await postgres.server.close()
  rmSync(scratch, { recursive: true, force: true })
})

/** Runs one block of a target and reports on it; `during` goes on beside the block. */
async function measured(
  module: TargetModule,
  site: Site,
  length: number | { readonly durationMs: number },
  during?: (contender: Contender, ended: AbortSignal) => Promise<void>,
): Promise<{ readonly rate: number; readonly report: BoundReport }> {
  const { server } = site
  const contender = await Contender.prepare(
    {
      module,
      source,
      options: Object.fromEntries(Object.entries(module.options).map(([name, { default: value }]) => [name, value])),
      site,
      address: {
        store: server.store,
        url: server.url,
        schema: `weir_test_bound_${++schemas}`,
        layout: { partitionKey: 'id', partitions: 4 },
        format: 'combined',
      },
      scratch,
      clock: systemClock,
    },
    ['2026-01'],
  )
  const ended = new AbortController()
  try {
    await contender.ready()
    const beside = during?.(contender, ended.signal)
    const outcome = await contender.run({
      index: 0,
      ...(typeof length === 'number' ? { records: length } : { records: 1e9, ...length }),
      signal,
    })
    ended.abort()
    await beside
    const rate = (outcome.stored * 1000) / outcome.elapsedMs
    const report = boundReport(contender, {
      generatorCpuSeconds: generatorCpu * outcome.offered,
      nullRecordsPerSecond: nullRate ?? rate,
      recordsPerSecond: rate,
      generatorLagP99Ms: null,
    })
    return { rate, report }
  } finally {
    ended.abort()
    await contender.closeTarget()
    await contender.store.drop()
    await contender.store.close()
  }
}

function named({ bound }: BoundReport, by: Bound): void {
  assert.is(bound.by, by, JSON.stringify(bound, undefined, 2))
}

/** What others on this machine kept from a core for so much of the time shows nothing but them: it is tried again. */
const disturbed = 0.2
const isDisturbed = ({ bound }: BoundReport) => (bound.figures['waitedForCore'] ?? 0) >= disturbed

async function undisturbed(attempt: () => Promise<{ readonly report: BoundReport }>): Promise<BoundReport> {
  for (let tries = 1; ; tries++) {
    const { report } = await attempt()
    if (tries === 12 || !isDisturbed(report)) return report
  }
}

/** Keeps this thread's core busy for so much of its own CPU time. */
function burn(ms: number): void {
  const used = () => process.cpuUsage().user + process.cpuUsage().system
  const end = used() + ms * 1000
  while (used() < end);
}

test('the generator, where the store costs nothing', async () => {
  named((await measured(singleThread, nothing, 200_000)).report, 'generator')
})

test('the target, where its thread works on each chunk before the store gets it', async () => {
  const burning = defineTarget({
    name: 'burning',
    summary: 'uses up its thread',
    options: {},
    image: () => ({ kind: 'rows', keeps: 'all' }),
    async open({ store, settle }) {
      const writer = await store.writer()
      const batch: Chunk[] = []
      let writing: Promise<void> = Promise.resolve()
      const write = async () => {
        const before = writing
        writing = writer.write(batch.splice(0)).then((receipt) => settleReceipt(receipt, settle))
        // Not for this batch, whose way to the disk is not to be waited for.
        await before
      }
      return {
        async offer(chunk) {
          burn(30)
          if (batch.push(chunk) === 8) await write()
        },
        async drain() {
          await write()
          await writing
        },
        close: () => writer.close(),
        parts: () => [{ name: 'thread', kind: 'thread', pid: process.pid, tid: process.pid }],
      }
    },
  })
  const report = await undisturbed(() => measured(burning, postgres, 40_000))
  // On a machine that never was quiet, that may be what there is to be said.
  named(report, isDisturbed(report) && report.bound.by === 'machine' ? 'machine' : 'target')
})

test('the store, where somebody holds a lock that its connection needs', async () => {
  const client = await connect(postgres.server.url)
  try {
    const { report } = await measured(singleThread, postgres, 20_000, async (contender) => {
      await client.query('BEGIN')
      await client.query(sql`LOCK TABLE ${id(contender.store.address.schema, rowTable)} IN ACCESS EXCLUSIVE MODE`.text)
      while ((contender.waits?.report()?.kinds.lock ?? 0) < 0.9 || (contender.waits?.report()?.looks ?? 0) < 25) await delay(50)
      await client.query('COMMIT')
    })
    named(report, 'store')
  } finally {
    await client.end()
  }
})

test('the disk, where every row waits for it', async () => {
  const committing = defineTarget({
    name: 'committing',
    summary: 'has the server commit row by row',
    options: {},
    image: () => ({ kind: 'rows', keeps: 'all' }),
    async open({ store, settle }) {
      const { url, schema } = store.address
      const client = await connect(url, schema)
      const table = id(schema, 'committed')
      await client.query(sql`CREATE TABLE ${table} (position bigint)`.text)
      return {
        async offer({ source, first, count }) {
          const row = sql`INSERT INTO ${table} VALUES (${first} + i)`
          await client.query(sql`DO $$ BEGIN FOR i IN 0..${count - 1} LOOP ${row}; COMMIT; END LOOP; END $$`.text)
          settle({ source, first, count, fate: 'stored' })
        },
        drain: async () => undefined,
        close: () => client.end(),
        parts: () => [{ name: 'thread', kind: 'thread', pid: process.pid, tid: process.pid }],
      }
    },
  })
  named((await measured(committing, postgres, { durationMs: 3000 })).report, 'disk')
})

test('the machine, where others keep its cores busy', async () => {
  const spinners: ChildProcess[] = []
  try {
    for (let i = 0; i < 3 * availableParallelism(); i++) spinners.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
    named((await measured(singleThread, postgres, 200_000)).report, 'machine')
  } finally {
    for (const spinner of spinners) spinner.kill('SIGKILL')
  }
})

test.run()
