/** A sounding of targets whose service rate is known, by a clock that is turned by hand. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Source } from '../../generators/source.js'
import type { Settlement } from '../../stores/store.js'
import { defineTarget } from '../../targets/target.js'
import { ManualClock } from '../clock.js'
import { Contender } from '../contender.js'
import { openSite } from '../site.js'
import { Prober } from './probing.js'
import { Sounding, type SoundingOptions } from './sounding.js'

/** Empty lines, as many as are asked for. */
const source: Source = {
  spec: { kind: 'file', source: 1, path: '', format: 'combined' },
  length: async () => undefined,
  meanLineBytes: async () => 1,
  months: () => undefined,
  async open(first) {
    let position = first
    return {
      get position() {
        return position
      },
      next(count) {
        position += count
        return { lines: new Uint8Array(count).fill(10), count }
      },
      close: async () => undefined,
    }
  },
}

/** The same lines, but making them takes time: no more than so many a second. */
function slow(fast: Source, clock: ManualClock, recordsPerSecond: number): Source {
  return {
    ...fast,
    async open(first) {
      const cursor = await fast.open(first)
      return {
        get position() {
          return cursor.position
        },
        next(count) {
          clock.advance((count * 1000) / recordsPerSecond)
          return cursor.next(count)
        },
        close: () => cursor.close(),
      }
    },
  }
}

interface Service {
  /** Records per second, now. */
  rate(nowMs: number): number
  /** From a record's being served to its being stored, milliseconds. */
  readonly delayMs: number
}

/** Serves records one after the other at exactly its rate; it is ready as long as no more than a second of work waits. */
function serving(clock: ManualClock, service: Service) {
  return defineTarget({
    name: 'known',
    summary: 'a target whose service rate is known',
    image: () => ({ kind: 'rows', keeps: 'all' }),
    options: {},
    async open({ settle }) {
      const queue: { readonly atMs: number; readonly settlement: Settlement }[] = []
      let freeMs = 0
      const settleDue = () => {
        while ((queue[0]?.atMs ?? Number.POSITIVE_INFINITY) <= clock.now()) {
          const next = queue.shift()
          if (next !== undefined) settle(next.settlement)
        }
      }
      const end = async () => {
        for (let next = queue[0]; next !== undefined; next = queue[0]) {
          await clock.until(next.atMs)
          settleDue()
        }
      }
      return {
        async offer({ source: of, first, count }) {
          settleDue()
          freeMs = Math.max(freeMs, clock.now()) + (count * 1000) / service.rate(clock.now())
          queue.push({ atMs: freeMs + service.delayMs, settlement: { source: of, first, count, fate: 'stored' } })
          if (freeMs - clock.now() > 1000) await clock.until(freeMs - 1000)
          settleDue()
        },
        drain: end,
        close: async () => undefined,
        parts: () => [],
      }
    },
  })
}

const test = suite<{ scratch: string }>('sounding')
test.before.each((context) => {
  context.scratch = mkdtempSync(join(tmpdir(), 'weir-sounding-'))
})
test.after.each(({ scratch }) => rmSync(scratch, { recursive: true, force: true }))

async function sounding(
  scratch: string,
  service: Service,
  different: Partial<SoundingOptions> = {},
  weirsOwn = Number.POSITIVE_INFINITY,
): Promise<Sounding> {
  const clock = new ManualClock()
  const site = await openSite({ name: 'null', url: '' }, { durability: 'power', dataDirectory: null })
  const module = serving(clock, service)
  const made: Sounding = new Sounding({
    limitMs: 500,
    precision: 0.05,
    budgetMs: 60_000,
    clock,
    signal: new AbortController().signal,
    say: () => undefined,
    async fresh(purpose) {
      const prober = new Prober(purpose === 'full speed' ? source : slow(source, clock, weirsOwn), clock, () => ({ busy: 0, total: 0 }))
      const layout = { partitionKey: 'id', partitions: 1 } as const
      const address = { store: 'null', url: '', schema: `group${made.groups.length}`, layout, format: 'combined' } as const
      const spec = { module, options: {}, site, address, scratch, clock, source: prober.source, onlooker: prober }
      return { number: made.groups.length, purpose, contender: await Contender.prepare(spec, []), prober, probes: 0 }
    },
    ...different,
  })
  await made.burst()
  await made.search()
  return made
}

const rate = 20_000

test('a target with a known service rate is found within the interval', async ({ scratch }) => {
  const found = await sounding(scratch, { rate: () => rate, delayMs: 30 })
  assert.is(found.error, undefined)
  const { estimate } = found
  if (estimate === undefined) throw new Error('there is no estimate')
  const { interval, recordsPerSecond } = estimate
  assert.ok(interval.low <= rate && rate <= interval.high, `${interval.low} to ${interval.high}`)
  assert.ok(Math.abs(recordsPerSecond / rate - 1) < 0.1, `${recordsPerSecond}`)
  assert.ok(found.probes.some(({ outcome, rate: asked }) => outcome === 'not sustained' && asked > rate))

  await found.measureLatency()
  assert.equal(
    found.latencies.map(({ share }) => share),
    [0.5, 0.7, 0.9],
  )
  for (const { p50, p99, outcome } of found.latencies) {
    assert.ok(p50 >= 29 && p99 < 40, `${p50}, ${p99}`)
    assert.is(outcome, 'sustained')
  }
  assert.equal(new Set(found.groups.map(({ purpose }) => purpose)), new Set(['full speed', 'search', 'latency']))
})

test('a target that is always later than the limit sustains nothing', async ({ scratch }) => {
  const found = await sounding(scratch, { rate: () => rate, delayMs: 700 }, { budgetMs: 30_000 })
  assert.is(found.capacity, null)
  assert.ok(found.probes.every(({ outcome, broke }) => outcome === 'not sustained' && broke.includes('latency')))
})

test('a generator that is slower than its target ends the search as generator-bound, with the rate that was kept', async ({ scratch }) => {
  const found = await sounding(scratch, { rate: () => rate, delayMs: 30 }, {}, 12_000)
  assert.is(found.end, 'generator')
  assert.is(found.probes.filter(({ outcome }) => outcome === 'void').length, 2)
  assert.ok(found.capacity === null || found.capacity < 12_500, `${found.capacity}`)
})

test('a rate that was kept once and not again does not count, and latency is measured below what is left', async ({ scratch }) => {
  let now = rate
  const found = await sounding(scratch, { rate: () => now, delayMs: 30 }, {}, 17_000)
  assert.is(found.end, 'generator')
  const once = found.capacity ?? 0
  assert.ok(once > 8_000, `${once}`)
  now = 0.6 * once
  await found.measureLatency()
  assert.is(found.capacity, 0.5 * once)
  assert.equal(
    found.latencies.map((point) => [point.share, point.rate, point.outcome]),
    [0.5, 0.7, 0.9].map((share) => [share, share * 0.5 * once, 'sustained']),
  )
})

test('a hopeless probe is cut short, an unclear one lengthened, and the budget is kept', async ({ scratch }) => {
  const found = await sounding(scratch, { rate: () => rate, delayMs: 30 }, { budgetMs: 20_000, precision: 0.001 })
  assert.is(found.end, 'budget')
  const spent = found.probes.reduce((sum, { seconds, warmUpSeconds }) => sum + seconds + warmUpSeconds, 0)
  assert.ok(spent > 15 && spent <= 24, `${spent} s`)
})

test('an interrupt keeps what was found', async ({ scratch }) => {
  const abort = new AbortController()
  const say = (label: string) => {
    if (label.endsWith('probe 4')) abort.abort(new Error('interrupted'))
  }
  const found = await sounding(scratch, { rate: () => rate, delayMs: 30 }, { signal: abort.signal, say })
  assert.is(found.end, 'interrupted')
  assert.is(found.error, undefined)
  assert.is(found.probes.length, 3)
})

test.run()
