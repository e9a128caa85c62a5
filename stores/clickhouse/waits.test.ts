/** What a server's counters say of a run's inserts, on real ones of different ages. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chunksOf, onServers, streamOf } from './servers.testing.js'
import type { ClickHouseWaits } from './waits.js'

onServers('blocks are counted, and nothing in between', async (ground) => {
  const store = await ground.run()
  const writer = ground.closing(await store.writer())
  const waits = store.waits() as ClickHouseWaits
  assert.is(waits.report(), undefined)
  for (let block = 0; block < 2; block++) {
    await waits.begin()
    const begin = performance.now()
    await writer.write(await chunksOf(streamOf(), block * 2000, 1000))
    await waits.end({ elapsedMs: performance.now() - begin, connections: 1 })
    await writer.write(await chunksOf(streamOf(), block * 2000 + 1000, 1000))
  }
  const report = waits.report()
  if (report === undefined) throw new Error('nothing was reported')
  assert.is(report.figures['InsertedRows'], 2000)
  assert.is(report.looks, 0)
  assert.is(report.connections, 2)
  const { client, cpu, disk, lock, other } = report.kinds
  // An old server does not say for how long its inserts were under way.
  assert.is(client === null, report.unknown.length > 0)
  assert.is(ground.isNew && client === null, false)
  if (client !== null) assert.ok(client >= 0 && client <= 1)
  for (const share of [cpu, disk, lock, other]) assert.ok(share !== null && share >= 0, JSON.stringify(report))
  assert.ok(Object.values(report.events).every((share, i, all) => share > 0 && share <= (all[i - 1] ?? share)))
})

test.run()
