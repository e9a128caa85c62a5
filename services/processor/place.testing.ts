/** A place with objects as receivers store them, for tests: processors work on it, and what it holds is looked up. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { Inspector } from '../../generators/inspector.js'
import type { Format } from '../../generators/record.js'
import { openObjects } from '../../objects/index.js'
import type { Keyring } from '../../objects/keys.js'
import { type Stretch, sealLines } from '../../objects/line-object.js'
import { openStore } from '../../stores/index.js'
import type { Store } from '../../stores/store.js'
import type { Kept } from '../analytics/stores.testing.js'
import type { DoneObject } from './processing.js'
import { type ProcessorSettings, processorDefaults, type RunningProcessor, startProcessor } from './server.js'

const line = (position: number) => `192.0.2.7 - ann [31/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 5 "-" "agent"\n`
const common = (position: number) => `192.0.2.7 - ann [31/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 5\n`

export interface Piece {
  readonly source: number
  readonly first: number
  readonly count: number
}

/** Looks, five milliseconds apart, after which something will not come any more. */
const patience = 6000

/** Objects in one place and a run's tables, and what processors did with them. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-processor-'))
  readonly done: DoneObject[] = []
  readonly troubles: string[] = []
  private readonly running: RunningProcessor[] = []
  private made = 0

  private constructor(
    readonly store: Store,
    private readonly at: string | undefined,
  ) {}

  /** @param at where the objects are kept, unless in a folder of its own */
  static async on({ store: { address } }: Kept, at?: string): Promise<Place> {
    const store = await openStore({ ...address, schema: `weir_test_${Math.random().toString(36).slice(2, 10)}` })
    await store.prepare({ kind: 'rows', keeps: 'all' }, [])
    return new Place(store, at)
  }

  /** An object as a receiver would have stored it; every tenth line of a source is no record. */
  async put(pieces: readonly Piece[], { format = 'combined' as Format, sealed = undefined as Keyring | undefined } = {}): Promise<string> {
    const render = format === 'common' ? common : line
    const texts = pieces.map(({ first, count }) =>
      Array.from({ length: count }, (_, i) => ((first + i) % 10 === 3 ? 'no record\n' : render(first + i))).join(''),
    )
    const stretches: Stretch[] = pieces.map((piece, i) => ({ ...piece, bytes: texts[i]?.length ?? 0 }))
    const lines = Buffer.from(texts.join(''))
    const name = `${new Date().toISOString().replaceAll(/[-:]/g, '').toLowerCase()}-test-${String(++this.made).padStart(4, '0')}`
    const sealing = sealed === undefined ? undefined : { key: sealed.current, inspector: new Inspector() }
    const parts = sealLines({ format, createdAt: new Date().toISOString(), stretches, pieces: [lines] }, sealing)
    const objects = await openObjects({ place: this.objectsAt })
    await objects.put(name, parts).finally(() => objects.close())
    return name
  }

  private get objectsAt(): string {
    return this.at ?? this.folder
  }

  async start(settings: Partial<ProcessorSettings> = {}): Promise<RunningProcessor> {
    const processor = await startProcessor({
      settings: { ...processorDefaults, keys: undefined, pollMs: 20, ...settings, objects: this.objectsAt },
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
