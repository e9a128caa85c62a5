/** The driver counts latency from the due time, keeps the ledger whole and stops when told to; time stands in the test's hands. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Source } from '../generators/source.js'
import { LatencyHistogram } from '../results/histogram.js'
import { Recorder } from '../results/recorder.js'
import type { Chunk, Target } from '../targets/target.js'
import { constant } from './arrivals/constant.js'
import { ManualClock } from './clock.js'
import { type Block, Desk, replay, StalledError } from './driver.js'
import { Ledger } from './ledger.js'

/** Empty lines, as many as are asked for; `made` is told of each lot. */
const rendered = (made: (count: number) => void): Source => ({
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
        made(count)
        return { lines: new Uint8Array(count).fill(10), count }
      },
      close: async () => undefined,
    }
  },
})

function setting(
  offer: (chunk: Chunk, desk: Desk, clock: ManualClock) => Promise<void>,
  rendering: (count: number, clock: ManualClock) => void = () => undefined,
) {
  const clock = new ManualClock()
  const ledger = new Ledger(1, 0)
  const desk = new Desk(clock, ledger)
  const target: Target = {
    offer: (chunk) => offer(chunk, desk, clock),
    drain: async () => undefined,
    close: async () => undefined,
    parts: () => [],
  }
  const run = (block: Omit<Block, 'source' | 'first'>, recorder?: Recorder, signal = new AbortController().signal) =>
    replay({ source: rendered((count) => rendering(count, clock)), first: 0, ...block }, target, desk, {
      clock,
      ledger,
      signal,
      ...(recorder === undefined ? {} : { recorder }),
    })
  return { clock, ledger, desk, run }
}

test('a target that stalls for a second shows the second in the tail, which a closed loop would have hidden', async () => {
  // 10 records a millisecond for ten seconds; the target needs nothing, but at record 50,000 it stands still for a second.
  const closedLoop = new LatencyHistogram()
  let stalled = false
  const { run } = setting(async ({ source, first, count }, desk, clock) => {
    const begin = clock.now()
    if (!stalled && first + count > 50_000) {
      stalled = true
      clock.advance(1000)
    }
    closedLoop.file(clock.now() - begin, count)
    desk.settle({ source, first, count, fate: 'stored' })
  })
  const recorder = new Recorder({ fromMs: 0, toMs: 10_000 })
  await run({ records: 100_000, arrivals: constant(10_000) }, recorder)
  const open = recorder.quantiles('stored')
  assert.is(recorder.count('stored'), 100_000)
  assert.ok(open !== undefined && open.p999 > 900 && open.max >= 999, `p99.9 was ${open?.p999} ms`)
  assert.ok(open !== undefined && open.p90 > 0 && open.p50 < 5, 'only the tenth that was due during the stall was late')
  const service = recorder.quantiles('service')
  assert.ok(service !== undefined && service.p999 < 1, 'nor does service time, from when a record was offered, show more than that')
  // By when they were offered: the last few came due within the window and were offered after it.
  assert.ok(recorder.count('service') > 99_900)
  assert.ok(closedLoop.quantile(0.999) < 1, 'sent to answered: the same stall is one chunk among thousands')
})

test('at a rate a chunk holds what a millisecond brought, however quickly the target takes it', async () => {
  const counts: number[] = []
  const { run, clock } = setting(async ({ source, first, count }, desk) => {
    counts.push(count)
    desk.settle({ source, first, count, fate: 'stored' })
  })
  // Time goes on while the driver works, as it does for a real one.
  const stand = clock.now.bind(clock)
  clock.now = () => {
    clock.advance(0.005)
    return stand()
  }
  await run({ records: 20_000, arrivals: constant(200_000) })
  assert.ok(counts.length <= 101, `${counts.length} chunks for 100 ms`)
})

test('a target that cannot keep the rate makes the driver wait, which is no lag; one that works on its thread shares its time', async () => {
  const lagOf = async (work: (clock: ManualClock) => Promise<void>) => {
    const { run } = setting(
      async ({ source, first, count }, desk, clock) => {
        await work(clock)
        desk.settle({ source, first, count, fate: 'stored' })
      },
      (_count, clock) => clock.advance(0.2),
    )
    // It takes a chunk of 100 in 2 ms, and 2.5 times as many come due.
    return (await run({ records: 100_000, chunkRecords: 100, arrivals: constant(125_000) })).lag
  }
  const waiting = await lagOf((clock) => clock.until(clock.now() + 2))
  assert.ok(waiting.quantile(1) < 1, `${waiting.quantile(1)} ms`)
  const working = await lagOf(async (clock) => clock.advance(2))
  assert.ok(working.quantile(1) > 150, `${working.quantile(1)} ms`)
})

test('at full speed every record is offered once, in order, and settled', async () => {
  let next = 0
  const { run, ledger } = setting(async ({ source, first, count, lines }, desk) => {
    assert.is(first, next)
    assert.is(lines.length, count)
    next += count
    desk.settle({ source, first, count, fate: 'stored' })
  })
  const outcome = await run({ records: 10_001, chunkRecords: 100 })
  assert.is(next, 10_001)
  assert.is(outcome.stored, 10_001)
  assert.is(outcome.offeredBytes, 10_001)
  assert.is(ledger.outstanding, 0)
})

test('a target slower than the rate leaves a backlog that grows', async () => {
  // 100 records/ms are due, 50 are taken.
  const { run } = setting(async ({ source, first, count }, desk, clock) => {
    clock.advance(count / 50)
    desk.settle({ source, first, count, fate: 'stored' })
  })
  const { backlogAtStart, backlogAtEnd } = await run({ records: 100_000, arrivals: constant(100_000), windowFromMs: 100 })
  assert.ok(backlogAtStart < 15_000, `${backlogAtStart}`)
  assert.ok(backlogAtEnd > 40_000, `${backlogAtEnd}`)
})

test('how late Weir is itself counts what it takes to make lines, and not what the target takes', async () => {
  // 100 records/ms are due; 80 are rendered in a millisecond, or 50 taken.
  const slow = setting(
    async ({ source, first, count }, desk) => desk.settle({ source, first, count, fate: 'stored' }),
    (count, clock) => clock.advance(count / 80),
  )
  const { lag } = await slow.run({ records: 100_000, arrivals: constant(100_000) })
  assert.is(lag.count, 100_000)
  // The last record is 250 ms late; the first of its chunk came due a little before it.
  assert.ok(lag.quantile(1) >= 249 && lag.quantile(1) < 280, `${lag.quantile(1)} ms at the end`)
  const taken = setting(async ({ source, first, count }, desk, clock) => {
    clock.advance(count / 50)
    desk.settle({ source, first, count, fate: 'stored' })
  })
  assert.ok((await taken.run({ records: 100_000, arrivals: constant(100_000) })).lag.quantile(1) < 1)
})

test('a target that fails everything ends the block instead of being offered all of it', async () => {
  const { run, ledger } = setting(async ({ source, first, count }, desk) => {
    desk.settle({ source, first, count, fate: 'failed', reason: 'connection refused' })
  })
  let error: unknown
  await run({ records: 1e9, chunkRecords: 10 }).catch((thrown: unknown) => {
    error = thrown
  })
  assert.instance(error, StalledError)
  assert.match(String(error), /connection refused/)
  assert.ok(ledger.offered < 1e9)
})

test('an abort ends the block at once, even while the target holds a chunk', async () => {
  const abort = new AbortController()
  const { run } = setting(() => {
    abort.abort(new Error('told to stop'))
    return new Promise(() => undefined)
  })
  let error: unknown
  await run({ records: 100 }, undefined, abort.signal).catch((thrown: unknown) => {
    error = thrown
  })
  assert.match(String(error), /told to stop/)
})

test.run()
