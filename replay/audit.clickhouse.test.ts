/** The audit on ClickHouse: each kind of damage, planted by plain SQL, is named with its position; a misplaced row cannot be planted. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openSource } from '../generators/open.js'
import type { Chunk } from '../generators/record.js'
import type { Cursor, Source } from '../generators/source.js'
import type { Finding } from '../results/result.js'
import type { ClickHouseStore } from '../stores/clickhouse/clickhouse.js'
import { chunkOf, chunksOf, failure, type Ground, layout, onServers, streamOf } from '../stores/clickhouse/servers.testing.js'
import { Sql, sql } from '../stores/clickhouse/sql.js'
import { audit } from './audit.js'

const first = 9_000
const count = 3_000
/** Its line is no record. */
const bad = 9_700
const spec = streamOf()
const fates = { source: spec.source, offered: { from: first, to: first + count }, excluded: [], refused: [], failed: [] }

/** The stream with one line that does not parse. */
const source: Source = {
  ...openSource(spec),
  open: async (from) => new Spoiled(await openSource(spec).open(from)),
}

class Spoiled implements Cursor {
  constructor(private readonly cursor: Cursor) {}

  get position(): number {
    return this.cursor.position
  }

  async next(maxRecords: number) {
    const { position } = this.cursor
    const made = await this.cursor.next(maxRecords)
    return made === undefined ? undefined : spoil({ source: 1, first: position, ...made })
  }

  close(): Promise<void> {
    return this.cursor.close()
  }
}

function spoil(chunk: Chunk): Chunk {
  if (bad < chunk.first || bad >= chunk.first + chunk.count) return chunk
  const lines = Buffer.from(chunk.lines).toString('latin1').split('\n').slice(0, -1)
  lines[bad - chunk.first] = 'truncat'
  return chunkOf(
    lines.map((line) => Buffer.from(line, 'latin1')),
    chunk.first,
    chunk.source,
  )
}

interface Written {
  readonly ground: Ground
  readonly store: ClickHouseStore
  readonly schema: string
}

async function written(ground: Ground): Promise<Written> {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  await writer.write((await chunksOf(spec, first, count)).map(spoil))
  return { ground, store, schema: store.address.schema }
}

const report = ({ store }: Written) => audit({ scanner: store.scanner, source, fates, layout, format: 'combined' })

async function findings(run: Written): Promise<readonly Pick<Finding, 'kind' | 'position'>[]> {
  return (await report(run)).findings.map(({ kind, position }) => ({ kind, position }))
}

onServers('a clean run reconciles', async (ground) => {
  const { audit, findings } = await report(await written(ground))
  const { rowsPerSecond, ...tally } = audit
  assert.ok((rowsPerSecond ?? 0) > 0)
  assert.equal(tally, {
    offered: count,
    stored: count - 1,
    rejected: 1,
    excluded: 0,
    refused: 0,
    failed: 0,
    lost: 0,
    duplicated: 0,
    corrupted: 0,
    misplaced: 0,
    unexpected: 0,
  })
  assert.equal(findings, [])
})

interface Damage {
  readonly name: string
  plant(run: Written): Promise<unknown>
  readonly found: readonly Pick<Finding, 'kind' | 'position'>[]
}

const position = 9_500
const at = (kind: Finding['kind'], where = position) => [{ kind, position: where }]
const rows = 'nginx_logfile_row'
const rejects = 'nginx_logfile_reject'
const columns = 'remote_addr, remote_user, method, path, protocol, status, bytes, referrer, user_agent'

/** Changes that a mutation can make; keys cannot be changed in place. */
const corruptions: readonly string[] = [
  "remote_addr = toFixedString(unhex('20010DB8000000000000000000000001'), 16)",
  "remote_user = concat(remote_user, 'x')",
  "method = 'PUT'",
  "path = concat(path, '/')",
  "protocol = 'HTTP/1.0'",
  'status = status + 1',
  'bytes = ifNull(bytes, 0) + 1',
  "referrer = concat(ifNull(referrer, ''), 'x')",
  'user_agent = NULL',
]

/** A row with another key: the old one is deleted and the new one inserted. */
async function rekey({ ground, schema }: Written, key: string): Promise<void> {
  await ground.link.run(
    new Sql(
      `INSERT INTO ${schema}.${rows} (source, position, created_at, ${columns}) SELECT ${key}, ${columns} FROM ${schema}.${rows} WHERE position = ${position}`,
    ),
  )
}

const damages: readonly Damage[] = [
  {
    name: 'a lost row',
    plant: ({ ground, schema }) => ground.mutate(schema, rows, `DELETE WHERE position = ${position}`),
    found: at('lost'),
  },
  {
    name: 'a duplicated row',
    plant: (run) => rekey(run, 'source, position, created_at'),
    found: at('duplicated'),
  },
  {
    name: 'a corrupted field, each column once',
    plant: ({ ground, schema }) =>
      ground.mutate(schema, rows, corruptions.map((change, i) => `UPDATE ${change} WHERE position = ${position + i}`).join(', ')),
    found: corruptions.flatMap((_, i) => at('corrupted', position + i)),
  },
  {
    name: 'a row of another time',
    async plant(run) {
      const { ground, schema } = run
      const was = await ground.number(new Sql(`SELECT toUInt32(created_at) AS n FROM ${schema}.${rows} WHERE position = ${position}`))
      await rekey(run, 'source, position, created_at + 1')
      await ground.mutate(schema, rows, `DELETE WHERE position = ${position} AND toUInt32(created_at) = ${was}`)
    },
    found: at('corrupted'),
  },
  {
    name: 'a row of another source',
    async plant(run) {
      await rekey(run, 'toInt32(77), position, created_at')
      await run.ground.mutate(run.schema, rows, `DELETE WHERE position = ${position} AND source = 1`)
    },
    found: [...at('lost'), ...at('unexpected')],
  },
  {
    name: 'a row of a position that was not offered',
    async plant(run) {
      await rekey(run, 'source, toInt64(999999), created_at')
      await run.ground.mutate(run.schema, rows, `DELETE WHERE position = ${position}`)
    },
    found: [...at('lost'), ...at('unexpected', 999_999)],
  },
  {
    name: 'a lost rejected line',
    plant: ({ ground, schema }) => ground.mutate(schema, rejects, 'DELETE WHERE 1'),
    found: at('lost', bad),
  },
  ...["line = 'truncaT'", "reason = 'bad date'", 'length = length + 1'].map((change) => ({
    name: `a rejected line whose ${change.split(' ')[0]} was changed`,
    plant: ({ ground, schema }: Written) => ground.mutate(schema, rejects, `UPDATE ${change} WHERE 1`),
    found: at('corrupted', bad),
  })),
]

for (const { name, plant, found } of damages) {
  onServers(`${name} is named`, async (ground) => {
    const run = await written(ground)
    await plant(run)
    assert.equal(await findings(run), found)
  })
}

onServers('a month that was dropped is lost, record by record', async (ground) => {
  const run = await written(ground)
  const before = await run.store.partitions()
  await ground.link.run(sql`ALTER TABLE ${new Sql(`${run.schema}.${rows}`)} DROP PARTITION ID ${'202602'}`)
  const { audit } = await report(run)
  assert.is(audit.lost, before.find(({ name }) => name.endsWith('2026_02'))?.rows)
})

onServers('no row can be made to lie in another month: the server computes the partition itself', async (ground) => {
  const run = await written(ground)
  const table = `${run.schema}.${rows}`
  const twin = `${run.schema}.twin`
  // The column that decides cannot be changed in place.
  assert.match(
    (await failure(ground.mutate(run.schema, rows, `UPDATE created_at = created_at + 86400 * 60 WHERE position = ${position}`))).message,
    /created_at/,
  )
  // Nor can a partition of another table be taken over as one of another month: it keeps the month that its rows are of, so
  // that nothing is there to take, which some servers refuse.
  await ground.link.run(new Sql(`CREATE TABLE ${twin} AS ${table}`))
  await ground.link.run(new Sql(`INSERT INTO ${twin} SELECT * FROM ${table} WHERE position = ${position}`))
  await ground.link.run(new Sql(`ALTER TABLE ${table} REPLACE PARTITION ID '202603' FROM ${twin}`)).catch((error: unknown) => {
    assert.match(String(error), /has no parts in partition 202603/)
  })
  assert.equal(await findings(run), [])
  // Cut by another rule, the parts of a table are refused.
  await ground.link.run(
    new Sql(
      `CREATE TABLE ${run.schema}.other AS ${table} ENGINE = MergeTree PARTITION BY toYYYYMM(created_at + 86400 * 60) ORDER BY (created_at, source, position)`,
    ),
  )
  assert.match(
    (await failure(ground.link.run(new Sql(`ALTER TABLE ${table} REPLACE PARTITION ID '202603' FROM ${run.schema}.other`)))).message,
    /partition/i,
  )
  // And what is inserted under another time lies where that time belongs.
  await rekey(run, "source, position, toDateTime('2026-03-05 00:00:00', 'UTC')")
  assert.ok((await run.store.partitions()).some(({ name, rows }) => name.endsWith('2026_03') && rows === 1))
  assert.equal(await findings(run), at('duplicated'))
})

test.run()
