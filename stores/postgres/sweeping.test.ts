/** Settling waits for sweeps of Weir's tables, and for nobody else's. */
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Ground, onEmbedded, onServers } from './servers.testing.js'
import { id } from './sql.js'
import { sweeps } from './sweeping.js'

interface Sweep {
  readonly over: Promise<unknown>
  readonly pid: number
}

/** Fills a table and starts a VACUUM of it that takes some seconds; resolves once the server shows it. */
async function slowVacuum(ground: Ground, watcher: pg.Client, table: string): Promise<Sweep> {
  const sweeper = await ground.client()
  const { rows } = await sweeper.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  await watcher.query(
    `INSERT INTO ${table} (source, position, reason, length, line) SELECT 1, i, 'none', 1, '\\x00' FROM generate_series(1, 4000) i`,
  )
  // Every page that it dirties costs it a rest.
  await sweeper.query("SET vacuum_cost_delay = '40ms'; SET vacuum_cost_limit = 1; SET vacuum_cost_page_dirty = 1")
  const over = sweeper.query(`VACUUM (FREEZE, PARALLEL 0) ${table}`)
  over.catch(() => undefined)
  for (let shown = false; !shown; ) {
    const found = await watcher.query<{ there: boolean }>(
      'SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = to_regclass($1)) AS there',
      [table],
    )
    shown = found.rows[0]?.there === true
  }
  return { over, pid: rows[0]?.pid ?? 0 }
}

onServers('settling waits for a vacuum of a table of a run', async (ground) => {
  const store = await ground.run()
  const watcher = await ground.client()
  const { over } = await slowVacuum(ground, watcher, id(store.address.schema, 'nginx_logfile_reject').text)
  assert.ok((await sweeps(watcher)) >= 1)
  await ground.server.settle()
  assert.is(await sweeps(watcher), 0)
  await over
})

onEmbedded('while the embedded server settles its sweeps do not rest, and afterwards they do again', async (ground) => {
  const store = await ground.run()
  const watcher = await ground.client()
  const delay = async () => (await watcher.query<{ setting: string }>('SHOW autovacuum_vacuum_cost_delay')).rows[0] as unknown
  const shipped = await delay()
  const { over } = await slowVacuum(ground, watcher, id(store.address.schema, 'nginx_logfile_reject').text)
  const settled = ground.server.settle()
  while (JSON.stringify(await delay()) === JSON.stringify(shipped))
    assert.ok((await sweeps(watcher)) >= 1, 'it was over before a rest was cut')
  await Promise.all([settled, over])
  while (JSON.stringify(await delay()) !== JSON.stringify(shipped)) {
    // A server reads its settings anew in its own time; were they not put back, this would never end.
  }
})

onServers('settling does not wait for a vacuum of tables that are none of a run', async (ground) => {
  const watcher = await ground.client()
  const table = `public.other_${process.pid}`
  await watcher.query(`CREATE TABLE ${table} (source int, position bigint, reason text, length int, line bytea)`)
  try {
    const { over, pid } = await slowVacuum(ground, watcher, table)
    const order: string[] = []
    const settled = ground.server.settle().then(async () => {
      order.push('settled')
      await watcher.query('SELECT pg_cancel_backend($1)', [pid])
    })
    await Promise.all([over.catch(() => undefined).then(() => order.push('vacuum over')), settled])
    assert.equal(order, ['settled', 'vacuum over'])
  } finally {
    await watcher.query(`DROP TABLE ${table}`)
  }
})

test.run()
