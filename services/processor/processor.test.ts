/** Processors on real stores: every record of every object once, whatever the objects hold and however many processors there are. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Inspector } from '../../generators/inspector.js'
import type { Format } from '../../generators/record.js'
import { type Keyring, parseKeys } from '../../objects/keys.js'
import { type Stretch, sealLines } from '../../objects/line-object.js'
import { openStore } from '../../stores/index.js'
import type { Store } from '../../stores/store.js'
import { type Kept, startable, storeWith } from '../analytics/stores.testing.js'
import type { DoneObject } from './processing.js'
import { type ProcessorSettings, processorDefaults, type RunningProcessor, startProcessor } from './server.js'

const keys = parseKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`)
const line = (position: number) => `192.0.2.7 - ann [31/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 5 "-" "agent"\n`
const common = (position: number) => `192.0.2.7 - ann [31/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 5\n`

interface Piece {
  readonly source: number
  readonly first: number
  readonly count: number
}

/** Looks, five milliseconds apart, after which something will not come any more. */
const patience = 6000

/** A folder of objects and a run's tables, and what processors did with them. */
class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-processor-'))
  readonly done: DoneObject[] = []
  readonly troubles: string[] = []
  private readonly running: RunningProcessor[] = []
  private objects = 0

  private constructor(readonly store: Store) {}

  static async on({ store: { address } }: Kept): Promise<Place> {
    const store = await openStore({ ...address, schema: `weir_test_${Math.random().toString(36).slice(2, 10)}` })
    await store.prepare({ kind: 'rows', keeps: 'all' }, [])
    return new Place(store)
  }

  /** An object as a receiver would have stored it; every tenth line of a source is no record. */
  put(pieces: readonly Piece[], { format = 'combined' as Format, sealed = undefined as Keyring | undefined } = {}): string {
    const render = format === 'common' ? common : line
    const texts = pieces.map(({ first, count }) =>
      Array.from({ length: count }, (_, i) => ((first + i) % 10 === 3 ? 'no record\n' : render(first + i))).join(''),
    )
    const stretches: Stretch[] = pieces.map((piece, i) => ({ ...piece, bytes: texts[i]?.length ?? 0 }))
    const lines = Buffer.from(texts.join(''))
    const name = `${new Date().toISOString().replaceAll(/[-:]/g, '').toLowerCase()}-test-${String(++this.objects).padStart(4, '0')}`
    const sealing = sealed === undefined ? undefined : { key: sealed.current, inspector: new Inspector() }
    const parts = sealLines({ format, createdAt: new Date().toISOString(), stretches, pieces: [lines] }, sealing)
    writeFileSync(join(this.folder, name), Buffer.concat(parts))
    return name
  }

  async start(settings: Partial<ProcessorSettings> = {}): Promise<RunningProcessor> {
    const processor = await startProcessor({
      settings: { ...processorDefaults, keys: undefined, pollMs: 20, ...settings, objects: this.folder },
      store: this.store,
      host: '127.0.0.1',
      port: 0,
      onDone: (done) => void this.done.push(done),
      onTrouble: (message) => void this.troubles.push(message),
    })
    this.running.push(processor)
    return processor
  }

  /** Waits until so many objects are done, by anybody. */
  async until(objects: number): Promise<void> {
    for (let waits = 0; this.done.length < objects; waits++) {
      if (waits > patience) throw new Error(`${this.done.length} of ${objects} objects are done: ${this.troubles.join('; ')}`)
      await pause(5)
    }
  }

  async rows(): Promise<number> {
    return (await this.store.partitions()).reduce((sum, { rows }) => sum + rows, 0)
  }

  async rejects(): Promise<readonly (readonly [number, number])[]> {
    const all: (readonly [number, number])[] = []
    for await (const { source, position } of this.store.rejected()) all.push([source, position])
    return all.sort(([a, b], [c, d]) => a - c || b - d)
  }

  /** All of these are there, once: each is a row or a reject. */
  async assertHolds(pieces: readonly Piece[]): Promise<void> {
    const all = pieces.flatMap(({ source, first, count }) => Array.from({ length: count }, (_, i) => [source, first + i] as const))
    const bad = all.filter(([, position]) => position % 10 === 3)
    assert.equal(
      await this.rejects(),
      [...bad].sort(([a, b], [c, d]) => a - c || b - d),
    )
    assert.is(await this.rows(), all.length - bad.length)
    for (const [source, position] of all)
      if (position % 97 === 0 && position % 10 !== 3) assert.ok(await this.store.seen(source, position), `record ${position}`)
  }

  async remove(): Promise<void> {
    await Promise.all(this.running.map((processor) => processor.close()))
    await this.store.drop()
    await this.store.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

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
  place.put([whole])
  await place.start()
  await place.until(1)
  // A part of it again, with more on both sides of another source, as after a retry at another receiver.
  place.put([
    { source: 1, first: 1500, count: 1000 },
    { source: 2, first: 50, count: 10 },
  ])
  await place.until(2)
  place.put([{ source: 1, first: 100, count: 100 }])
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
  place.put([
    { source: 1, first: 0, count: 30 },
    { source: 1, first: 20, count: 30 },
  ])
  await place.start()
  await place.until(1)
  await place.assertHolds([{ source: 1, first: 0, count: 50 }])
})

onStores('objects of several formats, sealed and open, side by side', async (place) => {
  place.put([{ source: 1, first: 0, count: 100 }], { sealed: keys })
  place.put([{ source: 1, first: 100, count: 100 }], { format: 'common' })
  place.put([{ source: 1, first: 200, count: 100 }])
  await place.start({ keys })
  await place.until(3)
  await place.assertHolds([{ source: 1, first: 0, count: 300 }])
})

onStores('an object that was changed, and one of an unknown key, are refused; the others become rows', async (place) => {
  const changed = place.put([{ source: 1, first: 0, count: 100 }], { sealed: keys })
  const bytes = readFileSync(join(place.folder, changed))
  // In the header: other records.
  bytes[bytes.indexOf('"first":0') + 8] = '5'.charCodeAt(0)
  writeFileSync(join(place.folder, changed), bytes)
  const other = parseKeys(`k2:${Buffer.alloc(32, 2).toString('base64')}`)
  const unknown = place.put([{ source: 1, first: 100, count: 100 }], { sealed: other })
  writeFileSync(join(place.folder, 'not-of-weir'), 'hello\n')
  place.put([{ source: 1, first: 200, count: 100 }], { sealed: keys })
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
  for (let i = 0; i < 30; i++) place.put([{ source: 1, first: i * 80, count: 100 }])
  await Promise.all([place.start(), place.start(), place.start()])
  await place.until(30)
  await place.assertHolds([{ source: 1, first: 0, count: 29 * 80 + 100 }])
})

onStores('one that is started again goes on, and takes over what a dead one had in hand', async (place) => {
  place.put([{ source: 1, first: 0, count: 100 }])
  const first = await place.start()
  await place.until(1)
  await first.close()
  // Registered, and never heard of again.
  const abandoned = place.put([{ source: 1, first: 100, count: 100 }])
  const ranges = [{ source: 1, first: 100, count: 100 }]
  assert.ok(await place.store.logfiles?.addClaimed({ id: 2, path: abandoned, ranges }, 'dead', 100))
  place.put([{ source: 1, first: 200, count: 100 }])
  await place.start({ leaseMs: 200 })
  await place.until(3)
  await place.assertHolds([{ source: 1, first: 0, count: 300 }])
})

onStores('objects are removed once they are rows, where that was asked for', async (place) => {
  for (let i = 0; i < 5; i++) place.put([{ source: 1, first: i * 100, count: 100 }])
  const processor = await place.start({ removes: true })
  await place.until(5)
  await processor.close()
  assert.equal(readdirSync(place.folder), [])
  await place.assertHolds([{ source: 1, first: 0, count: 500 }])
})

onStores('objects that come out of the order of their names', async (place) => {
  await place.start()
  const late = place.put([{ source: 1, first: 0, count: 10 }])
  await place.until(1)
  // Begun a minute before, stored now.
  const bytes = readFileSync(join(place.folder, place.put([{ source: 1, first: 10, count: 10 }])))
  await place.until(2)
  const older = new Date(Date.now() - 60_000).toISOString().replaceAll(/[-:]/g, '').toLowerCase()
  assert.ok(older < late)
  writeFileSync(join(place.folder, `${older}-test-9`), bytes)
  await place.until(3)
  await place.assertHolds([{ source: 1, first: 0, count: 20 }])
})

test.run()
