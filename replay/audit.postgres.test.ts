/** The audit on real servers: each kind of damage, planted by plain SQL, is named with its position. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openSource } from '../generators/open.js'
import type { Chunk } from '../generators/record.js'
import { firstPositionAt } from '../generators/renderer.js'
import type { Cursor, Source, SourceSpec } from '../generators/source.js'
import type { Finding } from '../results/result.js'
import { EmbeddedServer } from '../stores/postgres/embedded.js'
import type { PostgresStore } from '../stores/postgres/postgres.js'
import { chunkOf, chunksOf, Ground, numberOf, onServers, streamOf } from '../stores/postgres/servers.testing.js'
import { audit } from './audit.js'
import type { Fates } from './ledger.js'
import { toMemory, verifyRuns } from './verify.js'

const first = 9_000
const count = 3_000
/** Its line is no record. */
const bad = 9_700
const spec = streamOf()
/** The first record of February. */
const february = firstPositionAt(spec, Date.UTC(2026, 1, 1))
const layout = { partitionKey: 'id', partitions: 4 } as const
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
  readonly store: PostgresStore
  readonly client: pg.Client
  readonly schema: string
}

async function written(ground: Ground): Promise<Written> {
  const store = await ground.run({ layout, months: ['2026-01', '2026-02'] })
  const writer = ground.closing(await store.writer())
  await writer.write((await chunksOf(spec, first, count)).map(spoil))
  return { store, client: await ground.client(), schema: store.address.schema }
}

async function findings({ store }: Written): Promise<readonly Finding[]> {
  return (await audit({ scanner: store.scanner, source, fates, layout, format: 'combined' })).findings
}

onServers('a clean run reconciles', async (ground) => {
  const run = await written(ground)
  const report = await audit({ scanner: run.store.scanner, source, fates, layout, format: 'combined' })
  const { rowsPerSecond, ...tally } = report.audit
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
  assert.equal(report.findings, [])
})

interface Damage {
  readonly name: string
  plant(run: Written): Promise<unknown>
  readonly found: readonly Pick<Finding, 'kind' | 'position'>[]
}

const position = 9_500
const at = (kind: Finding['kind'], where = position) => [{ kind, position: where }]
const rows = ({ schema }: Written) => `${schema}.nginx_logfile_row`

const corruptions: readonly string[] = [
  "created_at = created_at + interval '1 second'",
  'remote_addr = remote_addr + 1',
  "remote_user = remote_user || 'x'",
  "method = 'PUT'",
  "path = path || '/'",
  "protocol = 'HTTP/1.0'",
  'status = status + 1',
  'bytes = coalesce(bytes, 0) + 1',
  "referrer = coalesce(referrer, '') || 'x'",
  'user_agent = NULL',
]

const damages: readonly Damage[] = [
  { name: 'a lost row', plant: (run) => run.client.query(`DELETE FROM ${rows(run)} WHERE position = ${position}`), found: at('lost') },
  {
    name: 'a duplicated row',
    async plant(run) {
      await run.client.query(`ALTER TABLE ${rows(run)} DROP CONSTRAINT nginx_logfile_row_pkey`)
      await run.client.query(`INSERT INTO ${rows(run)} SELECT * FROM ${rows(run)} WHERE position = ${position}`)
    },
    found: at('duplicated'),
  },
  {
    name: 'a corrupted field, each column once',
    async plant(run) {
      for (const [i, change] of corruptions.entries())
        await run.client.query(`UPDATE ${rows(run)} SET ${change} WHERE position = ${position + i}`)
    },
    found: corruptions.flatMap((_, i) => at('corrupted', position + i)),
  },
  {
    name: 'two rows whose positions are swapped',
    plant: (run) =>
      run.client.query(
        `UPDATE ${rows(run)} r SET path = o.path FROM ${rows(run)} o WHERE (r.position, o.position) IN ((${position}, ${position + 1}), (${position + 1}, ${position}))`,
      ),
    found: [...at('corrupted'), ...at('corrupted', position + 1)],
  },
  {
    name: 'a row of another source',
    plant: (run) => run.client.query(`UPDATE ${rows(run)} SET source = 77 WHERE position = ${position}`),
    found: [...at('lost'), ...at('unexpected')],
  },
  {
    name: 'a row of a position that was not offered',
    plant: (run) => run.client.query(`UPDATE ${rows(run)} SET position = 999999 WHERE position = ${position}`),
    found: [...at('lost'), ...at('unexpected', 999_999)],
  },
  {
    name: 'a row in a default partition',
    async plant(run) {
      await run.client.query(`CREATE TABLE ${rows(run)}_default PARTITION OF ${rows(run)} DEFAULT`)
      await run.client.query(`UPDATE ${rows(run)} SET created_at = '1999-01-01' WHERE position = ${position}`)
    },
    found: at('corrupted'),
  },
  {
    name: 'a lost rejected line',
    plant: ({ client, schema }) => client.query(`DELETE FROM ${schema}.nginx_logfile_reject`),
    found: at('lost', bad),
  },
  ...["line = 'truncaT'", "reason = 'bad date'", 'length = length + 1'].map((change) => ({
    name: `a rejected line whose ${change.split(' ')[0]} was changed`,
    plant: ({ client, schema }: Written) => client.query(`UPDATE ${schema}.nginx_logfile_reject SET ${change}`),
    found: at('corrupted', bad),
  })),
]

for (const { name, plant, found } of damages) {
  onServers(`${name} is named`, async (ground) => {
    const run = await written(ground)
    await plant(run)
    assert.equal(
      (await findings(run)).map(({ kind, position }) => ({ kind, position })),
      found,
    )
  })
}

onServers('rows in a leaf that is none of the layout are named', async (ground) => {
  const run = await written(ground)
  const leaf = `${rows(run)}_2026_01_p0`
  const inLeaf = await numberOf(run.client, `SELECT count(*) FROM ${leaf}`)
  const lowest = await numberOf(run.client, `SELECT min(position) FROM ${leaf}`)
  // The lowest row, with the same hash, goes to a partition of another modulus.
  const month = `${rows(run)}_2026_01`
  await run.client.query(`ALTER TABLE ${month} DETACH PARTITION ${leaf}`)
  for (const remainder of [0, 4])
    await run.client.query(`CREATE TABLE ${month}_m${remainder} PARTITION OF ${month} FOR VALUES WITH (MODULUS 8, REMAINDER ${remainder})`)
  await run.client.query(`INSERT INTO ${month} SELECT * FROM ${leaf} ORDER BY position LIMIT 1`)
  const named = await findings(run)
  const misplaced = named.filter(({ kind }) => kind === 'misplaced')
  assert.equal(
    misplaced.map(({ position, found }) => [position, found]),
    [[lowest, 'no partition of the layout']],
  )
  assert.is(named.filter(({ kind }) => kind === 'lost').length, inLeaf - 1)
})

onServers('a row that lies in the wrong hash partition is named', async (ground) => {
  const run = await written(ground)
  const month = `${rows(run)}_2026_01`
  const { client } = run
  if ((await numberOf(client, 'SELECT rolsuper::int FROM pg_roles WHERE rolname = current_user')) !== 1)
    throw new Error('this needs a superuser: give WEIR_TEST_POSTGRES the URL of one')
  // Which two leaves: the one of our row, and any other.
  const from = await numberOf(client, `SELECT right(tableoid::regclass::text, 1) FROM ${rows(run)} WHERE position = ${position}`)
  const to = (from + 1) % 4
  for (const leaf of [from, to]) await client.query(`ALTER TABLE ${month} DETACH PARTITION ${month}_p${leaf}`)
  await client.query(
    `WITH moved AS (DELETE FROM ${month}_p${from} WHERE position = ${position} RETURNING *) INSERT INTO ${month}_p${to} SELECT * FROM moved`,
  )
  // A constraint that says of the leaf what attaching would look for, and that claims to have been checked.
  const oid = await numberOf(client, `SELECT '${month}'::regclass::oid`)
  await client.query(
    `ALTER TABLE ${month}_p${to} ADD CHECK (created_at IS NOT NULL AND created_at >= '2026-01-01 00:00:00+00' AND created_at < '2026-02-01 00:00:00+00')`,
  )
  await client.query(
    `ALTER TABLE ${month}_p${to} ADD CONSTRAINT lie CHECK (satisfies_hash_partition('${oid}'::oid, 4, ${to}, position)) NOT VALID`,
  )
  await client.query(`UPDATE pg_constraint SET convalidated = true WHERE conname = 'lie' AND conrelid = '${month}_p${to}'::regclass`)
  for (const leaf of [from, to])
    await client.query(`ALTER TABLE ${month} ATTACH PARTITION ${month}_p${leaf} FOR VALUES WITH (MODULUS 4, REMAINDER ${leaf})`)
  const named = await findings(run)
  assert.equal(
    named.map(({ kind, position, expected, found }) => ({ kind, position, expected, found })),
    [
      {
        kind: 'misplaced',
        position,
        expected: `month 2026-01, hash partition ${from}`,
        found: `month 2026-01, hash partition ${to}`,
      },
    ],
  )
})

onServers('a server with other habits of writing dates reconciles as well', async (ground) => {
  const admin = await ground.client()
  const { rows } = await admin.query<{ name: string }>('SELECT quote_ident(current_database()) AS name')
  const database = rows[0]?.name
  try {
    await admin.query(`ALTER DATABASE ${database} SET datestyle = 'SQL, DMY'; ALTER DATABASE ${database} SET timezone = 'Asia/Kolkata'`)
    assert.equal(await findings(await written(ground)), [])
  } finally {
    await admin.query(`ALTER DATABASE ${database} RESET datestyle; ALTER DATABASE ${database} RESET timezone`)
  }
})

test('verify finds the damage in a data directory that was kept', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-verify-test-'))
  // The server may run as another user than the test.
  chmodSync(folder, 0o755)
  const dataDirectory = join(folder, 'data')
  const plain: SourceSpec = spec
  try {
    const server = await EmbeddedServer.start({ durability: 'process', dataDirectory })
    const ground = new Ground(server)
    const store = await ground.run({ layout, months: ['2026-01', '2026-02'] })
    const { schema } = store.address
    try {
      const writer = await store.writer()
      await writer.write(await chunksOf(spec, first, count))
      await writer.close()
      const memory = {
        target: 'single-thread',
        leg: 'throughput',
        createdAt: '',
        source: plain,
        fates,
        layout,
        format: 'combined',
      } as const
      await store.remember(toMemory(memory))
    } finally {
      await store.close()
    }
    const client = await ground.client()
    await client.query(`DELETE FROM ${schema}.nginx_logfile_row WHERE position = ${position}`)
    await client.end()
    await server.close()
    const plan = { store: { name: 'postgres', url: '' }, dataDirectory, schema: null, input: null }
    const hooks = { signal: new AbortController().signal, onProgress: () => undefined, onNotice: () => undefined }
    const [report, ...others] = await verifyRuns(plan as Parameters<typeof verifyRuns>[0], hooks)
    assert.equal(others, [])
    assert.is(report?.schema, schema)
    assert.is(report?.audit.stored, count - 1)
    assert.equal(
      report?.findings.map(({ kind, position }) => ({ kind, position })),
      at('lost'),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** January is gone: its rows, but not the line among them that did not parse. */
const retained: Fates = { ...fates, dropped: [{ month: '2026-01', from: 0, to: february }] }

async function retention(ground: Ground): Promise<Written> {
  const run = await written(ground)
  await run.store.dropMonth('2026-01')
  return run
}

onServers('records of a month that was dropped are excluded, and nothing else is', async (ground) => {
  const { store } = await retention(ground)
  const report = await audit({ scanner: store.scanner, source, fates: retained, layout, format: 'combined' })
  const excluded = february - first - 1
  const { offered, stored, rejected, lost, unexpected } = report.audit
  assert.equal([offered, stored, rejected, report.audit.excluded, lost, unexpected], [count, count - 1 - excluded, 1, excluded, 0, 0])
  assert.equal(report.findings, [])
})

for (const [name, statement, found] of [
  ['lost', `DELETE FROM rows WHERE position = ${first + 5}`, { excluded: -1, lost: 1, duplicated: 0 }],
  ['duplicated', `INSERT INTO rows SELECT * FROM rows WHERE position = ${first + 5}`, { excluded: 0, lost: 0, duplicated: 1 }],
  [
    'lost',
    `UPDATE rows SET (position, created_at) = (SELECT position, created_at FROM rows WHERE position = ${first + 5}) WHERE position = ${first + 6}`,
    { excluded: -1, lost: 1, duplicated: 1 },
  ],
] as const) {
  const how = found.lost + found.duplicated > 1 ? 'lost, another being there twice,' : name
  onServers(`a row that was ${how} in a month before it was dropped is missed`, async (ground) => {
    const run = await written(ground)
    await run.client.query(`ALTER TABLE ${rows(run)} DROP CONSTRAINT nginx_logfile_row_pkey`)
    await run.client.query(statement.replaceAll('rows', rows(run)))
    const dropped = await run.store.dropMonth('2026-01')
    const counted: Fates = { ...fates, dropped: [{ month: '2026-01', from: 0, to: february, ...dropped }] }
    const report = await audit({ scanner: run.store.scanner, source, fates: counted, layout, format: 'combined' })
    const { excluded, lost, duplicated } = report.audit
    assert.equal({ excluded: excluded - (february - first - 1), lost, duplicated }, found)
    assert.equal(
      report.findings.map(({ kind }) => kind),
      [name],
    )
  })
}

onServers('a row that is left of a dropped month is unexpected; one that is gone from another month is lost', async (ground) => {
  const run = await written(ground)
  const kept = await run.client.query(`SELECT * FROM ${rows(run)} WHERE position IN (${first + 5}, ${first + 6})`)
  await run.store.dropMonth('2026-01')
  const writer = ground.closing(await run.store.writer())
  await writer.write((await chunksOf(spec, first + 5, 2)).map(spoil))
  assert.is(kept.rowCount, 2)
  await run.client.query(`DELETE FROM ${rows(run)} WHERE position = ${february + 3}`)
  const report = await audit({ scanner: run.store.scanner, source, fates: retained, layout, format: 'combined' })
  const excluded = february - first - 1
  const { stored, rejected, lost, unexpected } = report.audit
  assert.equal([stored, rejected, report.audit.excluded, lost, unexpected], [count - 1 - excluded - 1, 1, excluded, 1, 2])
  assert.equal(
    report.findings.map(({ kind, position }) => [kind, position]),
    [
      ['unexpected', first + 5],
      ['unexpected', first + 6],
      ['lost', february + 3],
    ],
  )
  assert.match(report.findings[0]?.expected ?? '', 'month 2026-01 was dropped')
})

test.run()
