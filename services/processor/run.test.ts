/** The run that processors share: made once, whoever comes first, and found by the others. */
import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openStore, startServer } from '../../stores/index.js'
import { type Kept, startable, storeWith } from '../analytics/stores.testing.js'
import { openRun } from './run.js'

const layout = { partitionKey: 'id', partitions: 4 } as const
const schema = () => `weir_test_${randomBytes(6).toString('hex')}`

for (const name of startable) {
  let kept: Kept
  test(`processors that begin together find one run, in ${name}`, async () => {
    kept = await storeWith(name, [])
    // Each of them has the server's address, as processes would.
    const servers = await Promise.all(Array.from({ length: 4 }, () => startServer({ store: kept.server.url, durability: 'process' })))
    for (let round = 0; round < 5; round++) {
      const run = schema()
      const stores = await Promise.all(servers.map((server) => openRun(server, run, layout)))
      for (const store of stores) assert.equal(store.address.layout, kept.server.layoutOf(layout))
      await Promise.all(stores.map((store) => store.close()))
    }
    await Promise.all(servers.map((server) => server.close()))
  })

  test(`a run whose maker came to its end too early is told of, in ${name}`, async () => {
    const run = schema()
    const store = await openStore({
      store: name,
      url: kept.server.url,
      schema: run,
      layout: kept.server.layoutOf(layout),
      format: 'combined',
    })
    await store.prepare({ kind: 'rows', keeps: 'all' }, [])
    await store.close()
    const told = await openRun(kept.server, run, layout, 2).catch((error: Error) => error.message)
    assert.match(String(told), /does not say how its rows are split.*weir clean/)
    await kept.server.drop(run)
    await (await openRun(kept.server, run, layout, 2)).close()
    await kept.close()
  })
}

test.run()
