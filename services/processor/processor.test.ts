/** Processors on real stores: every record of every object once, whatever the objects hold and however many processors there are. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseKeys } from '../../objects/keys.js'
import { openStore } from '../../stores/index.js'
import { type Kept, startable, storeWith } from '../analytics/stores.testing.js'
import { Place } from './place.testing.js'
import type { DoneObject } from './processing.js'
import { processorDefaults, startProcessor } from './server.js'

const keys = parseKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`)
const servers = new Map<string, Kept>()
test.after(async () => {
  for (const server of servers.values()) await server.close()
})

/** Registers a test for each store that this machine can start. */
function onStores(name: string, body: (place: Place) => Promise<void>): void {
  for (const store of startable) {
    test(`${name}, in ${store}`, async () => {
      const server = servers.get(store) ?? (await storeWith(store, []))
      servers.set(store, server)
      const place = await Place.on(server)
      try {
        await body(place)
      } finally {
        await place.remove()
      }
    })
  }
}

onStores('objects become rows, what another object has brought does not, and objects stay', async (place) => {
  const whole = { source: 1, first: 0, count: 2000 }
  await place.put([whole])
  await place.start()
  await place.until(1)
  // A part of it again, with more on both sides of another source, as after a retry at another receiver.
  await place.put([
    { source: 1, first: 1500, count: 1000 },
    { source: 2, first: 50, count: 10 },
  ])
  await place.until(2)
  await place.put([{ source: 1, first: 100, count: 100 }])
  await place.until(3)
  await place.assertHolds([
    { source: 1, first: 0, count: 2500 },
    { source: 2, first: 50, count: 10 },
  ])
  assert.equal(
    place.done.map(({ known }) => known),
    [0, 500, 100],
  )
  assert.is(readdirSync(place.folder).length, 3)
  assert.equal(place.troubles, [])
})

onStores('an object that holds a record twice', async (place) => {
  await place.put([
    { source: 1, first: 0, count: 30 },
    { source: 1, first: 20, count: 30 },
  ])
  await place.start()
  await place.until(1)
  await place.assertHolds([{ source: 1, first: 0, count: 50 }])
})

onStores('objects of several formats, sealed and open, side by side', async (place) => {
  await place.put([{ source: 1, first: 0, count: 100 }], { sealed: keys })
  await place.put([{ source: 1, first: 100, count: 100 }], { format: 'common' })
  await place.put([{ source: 1, first: 200, count: 100 }])
  await place.start({ keys })
  await place.until(3)
  await place.assertHolds([{ source: 1, first: 0, count: 300 }])
})

onStores('an object that was changed, and one of an unknown key, are refused; the others become rows', async (place) => {
  const changed = await place.put([{ source: 1, first: 0, count: 100 }], { sealed: keys })
  const bytes = readFileSync(join(place.folder, changed))
  // In the header: other records.
  bytes[bytes.indexOf('"first":0') + 8] = '5'.charCodeAt(0)
  writeFileSync(join(place.folder, changed), bytes)
  const other = parseKeys(`k2:${Buffer.alloc(32, 2).toString('base64')}`)
  const unknown = await place.put([{ source: 1, first: 100, count: 100 }], { sealed: other })
  writeFileSync(join(place.folder, 'not-of-weir'), 'hello\n')
  await place.put([{ source: 1, first: 200, count: 100 }], { sealed: keys })
  const processor = await place.start({ keys })
  await place.until(1)
  await place.assertHolds([{ source: 1, first: 200, count: 100 }])
  while (place.troubles.length < 3) await pause(5)
  assert.equal([...place.troubles].sort(), [
    `the object ${changed} is refused: it is damaged or forged: its tag does not verify`,
    `the object ${unknown} is refused: it is sealed with the key "k2", which is not known here`,
    'the object not-of-weir is refused: it is no object of lines',
  ])
  const metrics = await (await fetch(`${processor.url}/metrics`)).text()
  assert.match(metrics, /weir_processor_refused_objects\{[^}]*\} 3/)
  assert.match(metrics, /weir_processor_records_total\{[^}]*fate="stored"[^}]*\} 90/)
  // Refusals are about the object: the processor is well.
  assert.is((await fetch(`${processor.url}/ready`)).status, 200)
})

onStores('three processors on many objects that overlap: each record once', async (place) => {
  for (let i = 0; i < 30; i++) await place.put([{ source: 1, first: i * 80, count: 100 }])
  await Promise.all([place.start(), place.start(), place.start()])
  await place.until(30)
  await place.assertHolds([{ source: 1, first: 0, count: 29 * 80 + 100 }])
})

onStores('one that is started again goes on, and takes over what a dead one had in hand', async (place) => {
  await place.put([{ source: 1, first: 0, count: 100 }])
  const first = await place.start()
  await place.until(1)
  await first.close()
  // Registered, and never heard of again.
  const abandoned = await place.put([{ source: 1, first: 100, count: 100 }])
  const ranges = [{ source: 1, first: 100, count: 100 }]
  assert.ok(await place.store.logfiles?.addClaimed({ id: 2, path: abandoned, ranges }, 'dead', 100))
  await place.put([{ source: 1, first: 200, count: 100 }])
  await place.start({ leaseMs: 200 })
  await place.until(3)
  await place.assertHolds([{ source: 1, first: 0, count: 300 }])
})

onStores('objects are removed once they are rows, where that was asked for', async (place) => {
  for (let i = 0; i < 5; i++) await place.put([{ source: 1, first: i * 100, count: 100 }])
  const processor = await place.start({ removes: true })
  await place.until(5)
  await processor.close()
  assert.equal(readdirSync(place.folder), [])
  await place.assertHolds([{ source: 1, first: 0, count: 500 }])
})

onStores('objects that come out of the order of their names', async (place) => {
  await place.start()
  const late = await place.put([{ source: 1, first: 0, count: 10 }])
  await place.until(1)
  // Begun a minute before, stored now.
  const bytes = readFileSync(join(place.folder, await place.put([{ source: 1, first: 10, count: 10 }])))
  await place.until(2)
  const older = new Date(Date.now() - 60_000).toISOString().replaceAll(/[-:]/g, '').toLowerCase()
  assert.ok(older < late)
  writeFileSync(join(place.folder, `${older}-test-9`), bytes)
  await place.until(3)
  await place.assertHolds([{ source: 1, first: 0, count: 20 }])
})

onStores('an object whose processor ended before it removed it is removed by the next one', async (place) => {
  const pieces = [{ source: 1, first: 0, count: 100 }]
  const name = await place.put(pieces)
  const first = await place.start()
  await place.until(1)
  await first.close()
  assert.equal(readdirSync(place.folder), [name])
  await place.start({ removes: true })
  for (let waits = 0; readdirSync(place.folder).length > 0; waits++) {
    assert.ok(waits < 2000, 'it is still there')
    await pause(5)
  }
  await place.assertHolds(pieces)
})

/** A way to a Postgres on a Unix socket on which the answer to the first commit of rows is lost, and the connection with it. */
async function losingCommit(url: string): Promise<{ readonly url: string; readonly lost: () => boolean; close(): Promise<void> }> {
  const { username, password, port, searchParams, pathname } = new URL(url)
  const sockets = new Set<Socket>()
  let lost = false
  const way = createServer((inner) => {
    const outer = connect({ path: join(searchParams.get('host') ?? '', `.s.PGSQL.${port}`) })
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
    let settling = false
    inner.on('data', (data) => {
      settling ||= data.includes('settle_claim')
      outer.write(data)
    })
    outer.on('data', (data) => {
      if (settling && !lost && data.includes('COMMIT\0')) {
        lost = true
        inner.destroy()
      } else inner.write(data)
    })
  })
  await new Promise<void>((done) => way.listen(0, '127.0.0.1', done))
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${(way.address() as AddressInfo).port}${pathname}`,
    lost: () => lost,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => way.close(done))
    },
  }
}

test('an object whose commit stood without being answered is told of as done, once', async () => {
  const server = servers.get('postgres') ?? (await storeWith('postgres', []))
  servers.set('postgres', server)
  const way = await losingCommit(server.store.address.url)
  const place = await Place.on(server)
  const store = await openStore({ ...place.store.address, url: way.url })
  const done: DoneObject[] = []
  const processor = await startProcessor({
    settings: { ...processorDefaults, objects: place.folder, keys: undefined, pollMs: 20 },
    store,
    host: '127.0.0.1',
    port: 0,
    onDone: (object) => void done.push(object),
    onTrouble: () => undefined,
  })
  try {
    const pieces = [1, 2, 3].map((source) => ({ source, first: 0, count: 500 }))
    for (const piece of pieces) await place.put([piece])
    while (done.length < 3) await pause(5)
    assert.ok(way.lost())
    assert.equal([...new Set(done.map(({ id }) => id))].sort(), [1, 2, 3])
    assert.is(done.length, 3)
    await place.assertHolds(pieces)
  } finally {
    await processor.close()
    await store.close()
    await place.remove()
    await way.close()
  }
})

test.run()
