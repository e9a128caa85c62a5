/** Targets on ClickHouse against the same engine importing a ready-made Native file, and against JSON through the client's ordinary insert. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { createClient } from '@clickhouse/client'
import { NativeEncoder } from '../../generators/native-encoder.js'
import type { Source } from '../../generators/source.js'
import { openStore, startServer, stores } from '../../stores/index.js'
import { rowColumns, type StoreServer } from '../../stores/store.js'
import { readLine } from '../../targets/row-at-a-time/line.js'
import { interleave, ratioText, thousands } from './interleave.js'
import type { Bench } from './stores.js'
import { benchSource, layout, targetRate } from './table-setting.js'

const records = 2_000_000
const pairs = 7
/** Objects of JavaScript are large. */
const jsonRecords = 200_000
const columns = rowColumns.join(', ')

/** Runs a benchmark on an embedded engine at each durability. */
async function atEach(bench: (server: StoreServer) => Promise<string>): Promise<string> {
  const lines: string[] = []
  for (const durability of ['power', 'process'] as const) {
    const server = await startServer({ store: 'clickhouse', durability })
    try {
      lines.push(`${await bench(server)}, ${durability}`)
    } finally {
      await server.close()
    }
  }
  return lines.join('\n')
}

/** The rows of the source as Native blocks of a batch each, as a target writes them. */
async function* readyMadeBlocks(source: Source, batchRecords: number): AsyncGenerator<Buffer> {
  const encoder = new NativeEncoder({ format: 'combined', arenaBytes: 64 * 1024 * 1024, arenas: 1, createdAtType: "DateTime('UTC')" })
  const cursor = await source.open(0)
  while (cursor.position < records) {
    const end = Math.min(records, cursor.position + batchRecords)
    encoder.begin(0)
    while (cursor.position < end) {
      const first = cursor.position
      const made = await cursor.next(Math.min(1156, end - first))
      if (made === undefined) throw new Error(`the stream ended at ${first}`)
      const { full } = encoder.encode(0, { source: 1, first, ...made }, 0)
      if (full) throw new Error(`a batch of ${batchRecords} records does not fit the arena`)
    }
    // The arena is used again, so what is handed out is a copy.
    yield Buffer.concat([...encoder.blocks(0)].flatMap(({ segments }) => segments))
  }
  await cursor.close()
}

/** Writes them as one Native file; returns its path. */
async function readyMadeFile(source: Source, folder: string, batchRecords: number): Promise<string> {
  const path = join(folder, 'rows.native')
  const out = createWriteStream(path)
  for await (const block of readyMadeBlocks(source, batchRecords)) if (!out.write(block)) await once(out, 'drain')
  out.end()
  await once(out, 'close')
  await chmod(path, 0o644)
  return path
}

/** Gives the name of an identical empty table, as its run's own store made it; returns records per second of what fills it. */
async function onFreshTable(server: StoreServer, source: Source, count: number, fill: (table: string) => Promise<void>): Promise<number> {
  const schema = `weir_bench_${randomBytes(4).toString('hex')}`
  const store = await openStore({ store: server.store, url: server.url, schema, layout: server.layoutOf(layout), format: 'combined' })
  try {
    await store.prepare({ kind: 'rows', keeps: 'all' }, source.months(0, count) ?? [])
    await server.settle()
    const begin = performance.now()
    await fill(`${schema}.nginx_logfile_row`)
    const elapsedMs = performance.now() - begin
    const stored = (await store.partitions()).reduce((sum, { rows }) => sum + rows, 0)
    if (stored !== count) throw new Error(`the yardstick stored ${stored} of ${count} records`)
    return (count * 1000) / elapsedMs
  } finally {
    await store.drop()
    await store.close()
  }
}

function againstFile(name: string, { scratch }: Bench): Promise<string> {
  return atEach(async (server) => {
    const source = benchSource()
    const path = await readyMadeFile(source, scratch, ownBatches().batchRecords)
    const client = createClient({ url: server.url })
    try {
      const seen = await interleave(
        { name, run: () => targetRate(server, source, records, { name, options: ownBatches() }, scratch) },
        {
          name: 'import of a Native file',
          run: () =>
            onFreshTable(server, source, records, async (table) => {
              await client.command({ query: `INSERT INTO ${table} (${columns}) SELECT * FROM file('${path}', 'Native')` })
            }),
        },
        pairs,
      )
      return `${name} end to end / the same engine importing a ready-made Native file, ${thousands(records)} records: ${ratioText(seen)} (wanted: at least 0.9)`
    } finally {
      await client.close()
    }
  })
}

/** A bare client that has the blocks ready and posts them over so many connections: what curl would do, one INSERT for each block. */
function againstPosts(name: string, connections: number, { scratch }: Bench): Promise<string> {
  return atEach(async (server) => {
    const source = benchSource()
    const blocks: Buffer[] = []
    for await (const block of readyMadeBlocks(source, ownBatches().batchRecords)) blocks.push(block)
    const agent = new Agent({ keepAlive: true, maxSockets: connections })
    try {
      const seen = await interleave(
        { name, run: () => targetRate(server, source, records, { name, options: ownBatches() }, scratch) },
        {
          name: `ready-made blocks over ${connections} connection${connections === 1 ? '' : 's'}`,
          run: () =>
            onFreshTable(server, source, records, async (table) => {
              const insert = `INSERT INTO ${table} (${columns}) FORMAT Native`
              await Promise.all(blocks.map((block) => post(server.url, agent, insert, block)))
            }),
        },
        pairs,
      )
      return `${name} end to end / a bare HTTP client posting ready-made blocks over ${connections}, ${thousands(records)} records: ${ratioText(seen)}`
    } finally {
      agent.destroy()
    }
  })
}

async function post(url: string, agent: Agent, statement: string, body: Buffer): Promise<void> {
  const { hostname, port, username, password } = new URL(url)
  const asked = request({
    hostname,
    port,
    agent,
    method: 'POST',
    path: `/?query=${encodeURIComponent(statement)}`,
    auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}`,
    headers: { 'content-length': body.length },
  })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const said = (await answer.toArray()).join('')
  if (answer.statusCode !== 200) throw new Error(`the yardstick was refused: ${said}`)
}

export const clickHouseSingleThreadPostBench = (bench: Bench): Promise<string> => againstPosts('single-thread', 1, bench)

export const clickHouseWorkerPoolPostBench = (bench: Bench): Promise<string> => againstPosts('worker-pool', 2, bench)

export const clickHouseSingleThreadBench = (bench: Bench): Promise<string> => againstFile('single-thread', bench)

export const clickHouseWorkerPoolBench = (bench: Bench): Promise<string> => againstFile('worker-pool', bench)

/** What the format is worth: the same records as objects that were parsed beforehand, in batches of the same length. */
export function clickHouseJsonBench({ scratch }: Bench): Promise<string> {
  return atEach(async (server) => {
    const source = benchSource()
    const objects = await parsedBeforehand(source)
    const client = createClient({ url: server.url })
    const { batchRecords } = ownBatches()
    try {
      const seen = await interleave(
        {
          name: 'single-thread',
          run: () => targetRate(server, source, jsonRecords, { name: 'single-thread', options: { batchRecords } }, scratch),
        },
        {
          name: 'JSONEachRow through insert()',
          run: () =>
            onFreshTable(server, source, jsonRecords, async (table) => {
              for (let at = 0; at < objects.length; at += batchRecords) {
                await client.insert({ table, values: objects.slice(at, at + batchRecords), format: 'JSONEachRow' })
              }
            }),
        },
        pairs,
      )
      return `single-thread end to end / JSONEachRow of parsed objects through the client's insert(), ${thousands(jsonRecords)} records: ${ratioText(seen)}`
    } finally {
      await client.close()
    }
  })
}

/** The batches that a run would use on ClickHouse. */
function ownBatches(): { readonly batchRecords: number } {
  return { batchRecords: stores.find(({ name }) => name === 'clickhouse')?.batchRecords ?? 32_368 }
}

async function parsedBeforehand(source: Source): Promise<readonly Record<string, unknown>[]> {
  const objects: Record<string, unknown>[] = []
  const cursor = await source.open(0)
  while (cursor.position < jsonRecords) {
    const first = cursor.position
    const made = await cursor.next(jsonRecords - first)
    if (made === undefined) break
    for (let start = 0, position = first; position < first + made.count; position++) {
      const end = made.lines.indexOf(10, start)
      const reading = readLine(made.lines.subarray(start, end), 'combined')
      start = end + 1
      if (!('row' in reading)) throw new Error(`record ${position} of the stream does not parse`)
      const { row } = reading
      objects.push({
        source: 1,
        position,
        created_at: Math.floor(Date.parse(row.createdAt) / 1000),
        remote_addr: row.remoteAddr.includes(':') ? row.remoteAddr : `::ffff:${row.remoteAddr}`,
        remote_user: row.remoteUser ?? '',
        method: row.method,
        path: row.path,
        protocol: row.protocol,
        status: row.status,
        bytes: row.bytes === null ? null : Number(row.bytes),
        referrer: row.referrer,
        user_agent: row.userAgent,
      })
    }
  }
  await cursor.close()
  return objects
}
