/** Every kind of arrivals: its two functions agree at every border, its mean is the rate, and its records lie as its name says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fileSource } from '../../generators/file.js'
import { type Arrivals, evenPieces } from './arrivals.js'
import { constant } from './constant.js'
import { arrivalsFor } from './index.js'
import { poisson } from './poisson.js'
import { recorded, TimetableError, timetableOf } from './recorded.js'
import { shaped } from './shaped.js'
import { ArrivalsError, type ArrivalsSpec, arrivalKinds, parseArrivals, sayArrivals } from './words.js'

const timetable = { firstLine: [0, 10, 11, 300], second: [1000, 1001, 1005, 1006], lines: 320 }
const spanMs = 3000

function made(words: string, recordsPerSecond: number): Arrivals {
  return arrivalsFor(parseArrivals(words), { recordsPerSecond, spanMs, seed: 7, stream: { startMs: Date.UTC(2026, 0, 5) }, timetable })
}

const examples = [
  'constant',
  'poisson',
  'diurnal',
  'burst:4x,500ms,2s',
  'burst:10x,100ms,1s,triangle',
  'ramp:0..10',
  'ramp:5..1',
  'steps:1,0,4',
  'replay:3x',
]

for (const words of examples) {
  test(`${words}: what is due by a moment is what is due at or before it, in any order of asking`, () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 300_000, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 2.5 * spanMs, noNaN: true }), { maxLength: 6 }),
        (rate, times) => {
          const arrivals = made(words, rate)
          for (const elapsed of times) {
            const due = arrivals.dueBy(elapsed)
            if (due > 0)
              assert.ok(arrivals.dueAt(due - 1) <= elapsed, `record ${due - 1} at ${arrivals.dueAt(due - 1)}, asked at ${elapsed}`)
            assert.ok(arrivals.dueAt(due) > elapsed, `record ${due} at ${arrivals.dueAt(due)}, asked at ${elapsed}`)
          }
        },
      ),
      { seed: 42, numRuns: 60 },
    )
    const arrivals = made(words, 5000)
    assert.is(arrivals.dueBy(-1), 0)
    for (let index = 1; index < 2000; index++) assert.ok(arrivals.dueAt(index) >= arrivals.dueAt(index - 1))
  })

  test(`${words}: the mean over a span is the rate`, () => {
    const arrivals = made(words, 20_000)
    const span = words.startsWith('burst') ? 2000 : words.startsWith('replay') ? 7000 / 3 : spanMs
    const due = arrivals.dueBy(span - 1e-6)
    const expected = (arrivals.recordsPerSecond * span) / 1000
    // Chance has a standard deviation of the root of the number; everything else is exact.
    assert.ok(Math.abs(due - expected) <= (words === 'poisson' ? 5 * Math.sqrt(expected) : 1.01), `${due} of ${expected}`)
  })

  test(`${words}: the words are what results keep`, () => {
    const spec = parseArrivals(words)
    assert.equal(parseArrivals(sayArrivals(spec)), spec)
    assert.is(sayArrivals(parseArrivals(sayArrivals(spec))), sayArrivals(spec))
  })
}

test('there is an example of every kind', () => {
  assert.equal(
    arrivalKinds.map(({ name }) => name).filter((name) => !examples.some((words) => words.split(':')[0] === name)),
    [],
  )
})

/** Greatest distance between the distribution of values and the one they should have (Kolmogorov, 1933; Smirnov, 1948). */
function distance(values: readonly number[], distribution: (value: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.max(
    ...sorted.map((value, i) => Math.max((i + 1) / sorted.length - distribution(value), distribution(value) - i / sorted.length)),
  )
}

/** Above it such a distance is seen once in a thousand times: the asymptotic distribution's quantile over the root of n. */
const largestDistance = (n: number) => 1.95 / Math.sqrt(n)

for (const rate of [3, 900, 150_000]) {
  test(`poisson at ${rate}/s: distances between records are exponential and do not remember each other`, () => {
    const arrivals = poisson(rate, 11)
    const n = 20_000
    const times = Array.from({ length: n + 1 }, (_, index) => arrivals.dueAt(index))
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    const seen = distance(gaps, (gap) => 1 - Math.exp((-gap * rate) / 1000))
    assert.ok(seen < largestDistance(n), `distance ${seen}`)
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / n
    const covariance = gaps.slice(1).reduce((sum, gap, i) => sum + (gap - mean) * ((gaps[i] ?? 0) - mean), 0) / n
    assert.ok(Math.abs(covariance / mean ** 2) < 4 / Math.sqrt(n), `correlation ${covariance / mean ** 2}`)
  })

  test(`poisson at ${rate}/s: counts vary as much as their mean`, () => {
    const arrivals = poisson(rate, 12)
    const windows = 4000
    const windowMs = 5000 / rate
    const counts = Array.from({ length: windows }, (_, i) => arrivals.dueBy((i + 1) * windowMs) - arrivals.dueBy(i * windowMs))
    const mean = counts.reduce((sum, count) => sum + count, 0) / windows
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (windows - 1)
    // The index of dispersion of n counts has a standard deviation of about the root of 2/n.
    assert.ok(Math.abs(variance / mean - 1) < 4 * Math.sqrt(2 / windows), `dispersion ${variance / mean}`)
    assert.ok(Math.abs(mean - 5) < 4 * Math.sqrt(5 / windows), `mean ${mean}`)
  })
}

test('poisson with another seed is another schedule, with the same one the same', () => {
  const times = (seed: number) => Array.from({ length: 50 }, (_, index) => poisson(1000, seed).dueAt(index))
  assert.equal(times(1), times(1))
  assert.not.equal(times(1), times(2))
})

test('a test of the distribution would notice a schedule that is not Poisson', () => {
  const n = 20_000
  const gaps = Array.from({ length: n }, (_, index) => constant(900).dueAt(index + 1) - constant(900).dueAt(index))
  assert.ok(distance(gaps, (gap) => 1 - Math.exp((-gap * 900) / 1000)) > largestDistance(n))
})

test('shapes: each stretch has its share of the records', () => {
  const within = (arrivals: Arrivals, fromMs: number, toMs: number) => arrivals.dueBy(toMs) - arrivals.dueBy(fromMs)
  const steps = made('steps:1,2,5', 8000)
  assert.equal(
    [within(steps, 0, 1000), within(steps, 1000, 2000), within(steps, 2000, 2999.9)].map((n) => Math.round(n / 100)),
    [30, 60, 150],
  )
  // A step without records is a pause, and what comes behind it is spread over its own step.
  for (const [words, shares] of [
    ['steps:1,0,4', [48, 0, 192]],
    ['steps:0,0,1', [0, 0, 240]],
    ['steps:1,0,1', [120, 0, 120]],
    ['steps:0,1,0', [0, 240, 0]],
  ] as const) {
    const paused = made(words, 8000)
    const half = (k: number) => within(paused, k * 500, k * 500 + 499.99)
    assert.equal(
      [0, 1, 2].map((k) => Math.round((half(2 * k) + half(2 * k + 1)) / 100)),
      shares,
      words,
    )
    for (const k of [0, 1, 2]) assert.ok(Math.abs(half(2 * k) - half(2 * k + 1)) <= 2, `${words}, step ${k + 1}`)
  }
  const burst = made('burst:4x,500ms,2s', 7000)
  // A period of 2 s has 14,000 records: 1.5 s at the base, 0.5 s at four times that.
  assert.equal(
    [within(burst, 0, 750), within(burst, 750, 1250), within(burst, 1250, 2000)].map((n) => Math.round(n / 100)),
    [30, 80, 30],
  )
  const ramp = made('ramp:0..1', 2000)
  assert.is(Math.round(within(ramp, 0, 1500) / 10), 150)
  const night = within(made('diurnal', 10_000), 0, spanMs / 8)
  const evening = within(made('diurnal', 10_000), (spanMs * 5) / 8, (spanMs * 6) / 8)
  assert.ok(evening > 1.3 * night, `${evening} in the evening, ${night} at night`)
})

test('pieces of an uneven schedule cover it, and are no longer than a few milliseconds', () => {
  for (const words of ['poisson', 'burst:10x,100ms,1s', 'replay:2x']) {
    const arrivals = made(words, 40_000)
    let index = 17
    for (const { count, dueFirstMs, dueLastMs } of evenPieces(arrivals, 17, 150)) {
      assert.ok(count > 0)
      assert.is(dueFirstMs, arrivals.dueAt(index))
      assert.is(dueLastMs, arrivals.dueAt(index + count - 1))
      assert.ok(dueLastMs - dueFirstMs <= 5)
      index += count
    }
    assert.is(index, 167)
  }
  assert.equal([...evenPieces(constant(1000), 5, 1000)], [{ count: 1000, dueFirstMs: 5, dueLastMs: 1004 }])
})

/** A log of these lines, as a source. */
async function logOf<T>(lines: readonly string[], use: (source: ReturnType<typeof fileSource>) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-arrivals-'))
  try {
    const path = join(folder, 'log')
    writeFileSync(path, `${lines.join('\n')}\n`)
    return await use(fileSource({ kind: 'file', source: 1, path, format: 'combined' }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const at = (time: string) => `10.0.0.1 - - [${time}] "GET / HTTP/1.1" 200 5 "-" "x"`

test('a log is followed at its own times, whatever its zone; lines without a time or out of order stay with their neighbours', async () => {
  const lines = [
    'nothing',
    at('01/Jan/2026:00:00:00 +0000'),
    at('01/Jan/2026:00:00:00 +0000'),
    'nothing',
    at('01/Jan/2026:02:00:02 +0200'),
    at('01/Jan/2026:00:00:01 +0000'),
    '{"time":"2026-01-01T00:00:03+00:00","path":"/"}',
  ]
  const found = await logOf(lines, (source) => timetableOf(source))
  const begin = Date.UTC(2026, 0, 1) / 1000
  assert.equal(found, { firstLine: [0, 4, 6], second: [begin, begin + 2, begin + 3], lines: 7 })
  const twice = recorded(found, 2)
  assert.equal(
    Array.from({ length: 7 }, (_, index) => twice.dueAt(index)),
    [0, 125, 250, 375, 1000, 1250, 1500],
  )
  assert.is(twice.recordsPerSecond, 3.5)
  assert.is(twice.dueAt(7), 2000)
})

test('a log without times is refused', async () => {
  await logOf(['nothing', 'at all'], async (source) => {
    const failed = await timetableOf(source).catch((error: unknown) => error)
    assert.instance(failed, TimetableError)
  })
})

test('words that are none say what is wrong and how it is written', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['nosuch', /there are no arrivals "nosuch"/],
    ['poisson:3', /nothing follows poisson/],
    ['burst:4x', /a peak, a length and a distance/],
    ['burst:1x,1s,2s', /more than once the base/],
    ['burst:4x,3s,2s', /ends before the next begins/],
    ['burst:4x,1s,2s,round', /"round" is no shape/],
    ['burst:4x,1,2s', /"1" is no length of time/],
    ['ramp:1', /two ends/],
    ['ramp:0..0', /above zero/],
    ['ramp:a..2', /"a" is no number/],
    ['steps:1', /two steps/],
    ['steps:0,0', /one of them above zero/],
    ['replay:0x', /above zero/],
  ]
  for (const [words, pattern] of wrong) {
    assert.throws(
      () => parseArrivals(words),
      (error: unknown) => error instanceof ArrivalsError && pattern.test(error.message),
      words,
    )
  }
})

test('schedules that cannot be are refused', () => {
  for (const spec of [
    { kind: 'constant' },
    { kind: 'poisson' },
    { kind: 'ramp', from: 1, to: 2 },
  ] as const satisfies readonly ArrivalsSpec[]) {
    assert.throws(() => arrivalsFor(spec, { recordsPerSecond: 0, spanMs: 1000, seed: 1 }), RangeError)
  }
  assert.throws(() => shaped([{ length: 1, from: 0, to: 0 }], 10, 1000), RangeError)
  assert.throws(() => shaped([{ length: 1, from: 1, to: 1 }], 10, 0), RangeError)
  assert.throws(() => recorded(timetable, 0), RangeError)
})

test.run()
