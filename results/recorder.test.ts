/** The recorder against a plain list of every record's latency. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { LatencyHistogram } from './histogram.js'
import { Recorder, type Settled } from './recorder.js'
import { covers, normal } from './statistics/simulation.testing.js'
import { type Random, seededRandom } from './statistics.js'

/** The quantile of every single latency: the smallest that at least the share q does not exceed. */
function exact(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

function each({ count, dueFirstMs, dueLastMs, atMs }: Settled): { due: number; latency: number }[] {
  return Array.from({ length: count }, (_, i) => {
    const due = count > 1 ? dueFirstMs + (i * (dueLastMs - dueFirstMs)) / (count - 1) : dueFirstMs
    return { due, latency: atMs - due }
  })
}

/** Within three digits or a millisecond, whichever is coarser. */
function agrees(actual: number | undefined, expected: number): void {
  const tolerance = Math.max(1, expected * 0.002)
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`)
}

test('quantiles of weighted ranges are those of every record taken singly, inside the window only', () => {
  const random = seededRandom(5)
  for (let trial = 0; trial < 40; trial++) {
    const recorder = new Recorder({ fromMs: 1000, toMs: 9000, slices: 7 })
    const inside: number[] = []
    let outside = 0
    let stored = 0
    for (let batch = 0; batch < 30; batch++) {
      const dueFirstMs = random() * 10_000
      const dueLastMs = dueFirstMs + (random() < 0.1 ? 0 : random() * 10 ** (random() * 3.5))
      const settled = { count: 1 + Math.floor(random() * 3000), dueFirstMs, dueLastMs, atMs: dueLastMs + random() * 500 }
      recorder.file('stored', settled)
      stored += settled.count
      for (const { due, latency } of each(settled)) {
        if (due >= 1000 && due < 9000) inside.push(latency)
        else outside++
      }
    }
    inside.sort((a, b) => a - b)
    // A record on the very edge may fall to either side by rounding.
    assert.ok(Math.abs(recorder.count('stored') - inside.length) <= 2)
    assert.is(recorder.count('stored') + recorder.outside('stored'), stored)
    assert.ok(Math.abs(recorder.outside('stored') - outside) <= 2)
    const quantiles = recorder.quantiles('stored')
    agrees(quantiles?.p50, exact(inside, 0.5))
    agrees(quantiles?.p90, exact(inside, 0.9))
    agrees(quantiles?.p99, exact(inside, 0.99))
    agrees(quantiles?.p999, exact(inside, 0.999))
    assert.ok(Math.abs((quantiles?.max ?? 0) - (inside.at(-1) ?? 0)) < 0.001 + 4000 / 3000 || inside.length === 0)
  }
})

test('a million records at once cost some hundred steps, and the largest latency is kept exactly', () => {
  const recorder = new Recorder({ fromMs: 0, toMs: Number.POSITIVE_INFINITY })
  recorder.file('stored', { count: 1_000_000, dueFirstMs: 0.25, dueLastMs: 250, atMs: 400 })
  assert.is(recorder.count('stored'), 1_000_000)
  assert.is(recorder.quantiles('stored')?.max, 399.75)
  agrees(recorder.quantiles('stored')?.p50, 275)
})

test('nothing is clipped: three weeks of latency are three weeks', () => {
  const recorder = new Recorder({ fromMs: 0, toMs: 1e12 })
  const weeks = 21 * 86_400_000
  recorder.file('durable', { count: 1, dueFirstMs: 0, dueLastMs: 0, atMs: 3 })
  recorder.file('durable', { count: 1, dueFirstMs: 0, dueLastMs: 0, atMs: weeks })
  assert.is(recorder.quantiles('durable')?.max, weeks)
  agrees(recorder.histogram('durable').quantile(0.999), weeks)
})

test('an answer before the record was due is counted apart, not filed', () => {
  const recorder = new Recorder({ fromMs: 0, toMs: 1000 })
  recorder.file('accepted', { count: 11, dueFirstMs: 0, dueLastMs: 100, atMs: 50 })
  assert.is(recorder.histogram('accepted').negative, 5)
  assert.is(recorder.histogram('accepted').count, 6)
  assert.is(recorder.count('accepted'), 11)
  // Many records to a step: none on either side of the instant may be averaged with the other side.
  recorder.file('stored', { count: 9001, dueFirstMs: 0, dueLastMs: 900, atMs: 450.04 })
  assert.is(recorder.histogram('stored').negative, 4500)
  assert.is(recorder.histogram('stored').count, 4501)
})

test('the three moments are apart; an empty one has no quantiles', () => {
  const recorder = new Recorder({ fromMs: 0, toMs: 1000 })
  recorder.file('accepted', { count: 10, dueFirstMs: 0, dueLastMs: 0, atMs: 1 })
  recorder.file('stored', { count: 10, dueFirstMs: 0, dueLastMs: 0, atMs: 20 })
  agrees(recorder.quantiles('accepted')?.p99, 1)
  agrees(recorder.quantiles('stored')?.p99, 20)
  assert.is(recorder.quantiles('durable'), undefined)
})

test('the series counts by when records were stored, warm-up and drain included', () => {
  const recorder = new Recorder({ fromMs: 2000, toMs: 4000, originMs: 1000 })
  const at = (atMs: number, count: number) => recorder.file('stored', { count, dueFirstMs: 0, dueLastMs: 0, atMs })
  at(900, 1)
  at(1000, 2)
  at(1999, 4)
  at(4500, 8)
  assert.equal(recorder.storedPerSecond, [6, 0, 0, 8])
  assert.is(recorder.storedBefore, 1)
  recorder.file('accepted', { count: 5, dueFirstMs: 0, dueLastMs: 0, atMs: 1500 })
  assert.equal(recorder.storedPerSecond, [6, 0, 0, 8])
})

test('merging two recorders is filing everything into one', () => {
  const window = { fromMs: 0, toMs: 1000 }
  const [whole, left, right] = [new Recorder(window), new Recorder(window), new Recorder(window)]
  for (let i = 0; i < 50; i++) {
    const settled = { count: 100 + i, dueFirstMs: i * 30 - 50, dueLastMs: i * 30, atMs: i * 30 + i * i }
    whole.file('stored', settled)
    const half = i % 2 === 0 ? left : right
    half.file('stored', settled)
  }
  left.merge(right)
  assert.equal(left.quantiles('stored'), whole.quantiles('stored'))
  assert.is(left.outside('stored'), whole.outside('stored'))
  assert.equal(left.storedPerSecond, whole.storedPerSecond)
  assert.throws(() => left.merge(new Recorder({ fromMs: 0, toMs: 2000 })), /same window/)
})

/** A block of batches of 100 ms: their records are due evenly, and all are stored when the batch is. Every tenth stalls. */
function fileBlock(recorder: Recorder, batches: number, random: Random): void {
  for (let i = 0; i < batches; i++) {
    const serviceMs = 30 * Math.exp(0.3 * normal(random)) + (random() < 0.1 ? 200 + 300 * random() : 0)
    recorder.file('stored', { count: 50, dueFirstMs: i * 100, dueLastMs: i * 100 + 98, atMs: i * 100 + 100 + serviceMs })
  }
}

test('intervals of quantiles hold that of a leg without an end, as often as they say', () => {
  const random = seededRandom(11)
  const endless = new Recorder({ fromMs: 0, toMs: Number.POSITIVE_INFINITY })
  fileBlock(endless, 60_000, random)
  const leg = (blocks: number, batches: number) => (random: Random) => {
    const [first, ...others] = Array.from({ length: blocks }, () => {
      const recorder = new Recorder({ fromMs: 0, toMs: batches * 100 })
      fileBlock(recorder, batches, random)
      return recorder
    })
    assert.ok(first)
    for (const other of others) first.merge(other)
    return first
  }
  const covered = (q: number, measured: number, make: (random: Random) => Recorder) =>
    covers(measured, {
      trials: 100,
      seed: 21,
      truth: endless.histogram('stored').quantile(q),
      make,
      interval: (recorder) => recorder.interval('stored', q) ?? null,
    })
  covered(0.5, 0.97, leg(2, 15))
  covered(0.99, 0.96, leg(2, 200))
})

test('a quantile of too few batches has no interval', () => {
  const recorder = (batches: number) => {
    const recorder = new Recorder({ fromMs: 0, toMs: batches * 100 })
    fileBlock(recorder, batches, seededRandom(3))
    return recorder
  }
  assert.is(recorder(5).interval('stored', 0.5), undefined)
  assert.ok(recorder(12).interval('stored', 0.5))
  assert.is(recorder(367).interval('stored', 0.99), undefined)
  assert.ok(recorder(400).interval('stored', 0.99))
  assert.is(recorder(3000).interval('stored', 0.999), undefined)
  // A stall of one batch that is stored in many pieces is one batch.
  const pieces = new Recorder({ fromMs: 0, toMs: 1000 })
  for (let i = 0; i < 1000; i++) pieces.file('stored', { count: 1, dueFirstMs: i, dueLastMs: i, atMs: 2000 + i / 1000 })
  assert.is(pieces.interval('stored', 0.5), undefined)
})

test('errors in the caller are errors, not latencies', () => {
  assert.throws(() => new Recorder({ fromMs: 5, toMs: 5 }), RangeError)
  assert.throws(() => new LatencyHistogram().file(Number.NaN, 1), RangeError)
  const recorder = new Recorder({ fromMs: 0, toMs: 10 })
  recorder.file('stored', { count: 0, dueFirstMs: 0, dueLastMs: 0, atMs: 0 })
  assert.is(recorder.count('stored'), 0)
})

test.run()
