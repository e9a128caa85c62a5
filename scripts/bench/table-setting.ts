/** What the store benchmarks share: one embedded server, ready-made rows on disk, and runs of a target on fresh tables. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Encoder, messageHeaderBytes } from '../../generators/encoder.js'
import { openSource } from '../../generators/open.js'
import { profileNamed } from '../../generators/profiles.js'
import type { Chunk } from '../../generators/record.js'
import type { Source } from '../../generators/source.js'
import { systemClock } from '../../replay/clock.js'
import { Contender } from '../../replay/contender.js'
import { openStore } from '../../stores/index.js'
import { rowTable } from '../../stores/postgres/layout.js'
import { PostgresStore } from '../../stores/postgres/postgres.js'
import { id } from '../../stores/postgres/sql.js'
import { type Layout, rowColumns, type StoreServer } from '../../stores/store.js'
import { findTarget } from '../../targets/index.js'
import type { OptionSet } from '../../targets/target.js'
import { copyWithPsql } from './psql.js'

export const layout: Layout = { partitionKey: 'id', partitions: 4 }

export function benchSource(): Source {
  const { startMs, recordsPerDay } = profileNamed('web').defaults
  return openSource({ kind: 'stream', source: 1, profile: 'web', seed: '1', format: 'combined', startMs, recordsPerDay })
}

/** The header and the trailer of a binary COPY file, without the wire's framing. */
const fileHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const fileTrailer = Buffer.from([0xff, 0xff])

/**
 * Writes the rows of the source as binary COPY files, each a contiguous share, as rendered and encoded beforehand.
 * @returns the files' paths
 */
export async function readyMadeRows(source: Source, records: number, files: number, folder: string): Promise<string[]> {
  const paths: string[] = []
  for (let file = 0; file < files; file++) {
    const path = join(folder, `rows-${files}-${file}.bin`)
    const out = createWriteStream(path)
    const encoder = new Encoder({ format: 'combined', ...layout, arenaBytes: 8 * 1024 * 1024, arenas: 1, routed: false })
    const from = Math.floor((file * records) / files)
    const to = Math.floor(((file + 1) * records) / files)
    const cursor = await source.open(from)
    out.write(fileHeader)
    while (cursor.position < to) {
      const first = cursor.position
      const made = await cursor.next(Math.min(1156, to - first))
      if (made === undefined) break
      encoder.begin(0)
      encoder.encode(0, { source: 1, first, ...made })
      for (const { segments } of encoder.leaves(0)) {
        // The arena is used again at once, so what is written is a copy.
        for (const segment of segments) if (!out.write(Buffer.from(segment.subarray(messageHeaderBytes)))) await once(out, 'drain')
      }
    }
    await cursor.close()
    out.end(fileTrailer)
    await once(out, 'close')
    paths.push(path)
  }
  return paths
}

/** psql copies the files into an identical empty table through the parent; records per second. */
export async function psqlRate(server: StoreServer, source: Source, records: number, files: readonly string[]): Promise<number> {
  const schema = `weir_bench_${randomBytes(4).toString('hex')}`
  const store = await openStore({ store: server.store, url: server.url, schema, layout, format: 'combined' })
  try {
    await store.prepare({ kind: 'rows', keeps: 'all' }, source.months(0, records) ?? [])
    await server.settle()
    const elapsedMs = await copyWithPsql(server.url, id(schema, rowTable).text, rowColumns, files)
    return (records * 1000) / elapsedMs
  } finally {
    await store.drop()
    await store.close()
  }
}

/** Writes the stream in batches of the published logfile's length over one connection; records per second. */
export async function writerRate(server: StoreServer, source: Source, records: number, routed: boolean): Promise<number> {
  const schema = `weir_bench_${randomBytes(4).toString('hex')}`
  const store = new PostgresStore({ store: server.store, url: server.url, schema, layout, format: 'combined' })
  try {
    return (records * 1000) / (await writeRows(store, source, records, routed, () => server.settle()))
  } finally {
    await store.drop()
    await store.close()
  }
}

/** Prepares the store and writes the stream, the next batch encoded while one is written; milliseconds of the writing. */
export async function writeRows(
  store: PostgresStore,
  source: Source,
  records: number,
  routed: boolean,
  settle: () => Promise<unknown> = async () => undefined,
): Promise<number> {
  await store.prepare({ kind: 'rows', keeps: 'all' }, source.months(0, records) ?? [])
  await settle()
  const writer = await store.writer({ routed })
  const cursor = await source.open(0)
  const begin = performance.now()
  let before: Promise<unknown> = Promise.resolve()
  while (cursor.position < records) {
    const batch: Chunk[] = []
    for (let lines = 0; lines < 32_368 && cursor.position < records; ) {
      const first = cursor.position
      const made = await cursor.next(Math.min(1156, records - first))
      if (made === undefined) break
      batch.push({ source: 1, first, ...made })
      lines += made.count
    }
    const writing = writer.write(batch)
    await before
    before = writing
  }
  await before
  const elapsedMs = performance.now() - begin
  await writer.close()
  return elapsedMs
}

export interface TargetRun {
  readonly name: string
  readonly options?: OptionSet
  readonly durationMs?: number
  readonly chunkRecords?: number
}

/** Runs a target over the stream into fresh tables: render, parse, route, write, commit; records per second. */
export async function targetRate(server: StoreServer, source: Source, records: number, run: TargetRun, scratch: string): Promise<number> {
  return (await runTarget(server, source, records, run, scratch)).recordsPerSecond
}

/** What the target counted of itself meanwhile. */
export async function targetCounters(server: StoreServer, source: Source, records: number, run: TargetRun, scratch: string) {
  return (await runTarget(server, source, records, run, scratch)).counters
}

async function runTarget(server: StoreServer, source: Source, records: number, run: TargetRun, scratch: string) {
  const module = findTarget(run.name)
  if (module === undefined) throw new Error(`there is no target ${run.name}`)
  const defaults = Object.fromEntries(Object.entries(module.options).map(([name, option]) => [name, option.default]))
  const schema = `weir_bench_${randomBytes(4).toString('hex')}`
  const contender = await Contender.prepare(
    {
      module,
      source,
      options: { ...defaults, ...run.options },
      site: { server, durability: 'power', label: server.store, facts: undefined },
      address: { store: server.store, url: server.url, schema, layout: server.layoutOf(layout), format: 'combined' },
      scratch,
      clock: systemClock,
      ...(run.chunkRecords === undefined ? {} : { chunkRecords: run.chunkRecords }),
    },
    source.months(0, records) ?? [],
  )
  try {
    await contender.ready()
    await server.settle()
    const { stored, elapsedMs, offered } = await contender.run({
      index: 0,
      records,
      signal: new AbortController().signal,
      ...(run.durationMs === undefined ? {} : { durationMs: run.durationMs }),
    })
    if (stored !== offered) throw new Error(`${run.name} stored ${stored} of ${offered} records`)
    return { recordsPerSecond: (stored * 1000) / elapsedMs, counters: contender.counters }
  } finally {
    await contender.closeTarget()
    await contender.store.drop()
    await contender.close()
  }
}
