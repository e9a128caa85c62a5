/** The decision on a probe: batches are no slope, an overload is, a stall is no verdict, and Weir's own lateness says nothing. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Random, seededRandom } from '../statistics.js'
import { decide, type ProbeEvidence, steadyOdds } from './decision.js'
import type { SettledRange } from './observation.js'

interface Behaviour {
  /** Records per second that come due, and that the target can store. */
  readonly rate: number
  readonly capacity: number
  readonly batch: number
  /** From a batch's being complete to its being stored, milliseconds. */
  readonly delayMs?: number
  /** Nothing is stored meanwhile, milliseconds since the beginning. */
  readonly stalls?: readonly (readonly [number, number])[]
  readonly jitterMs?: number
  readonly random?: Random
}

const fromMs = 1000
const toMs = 4000

/** A target that fills batches and stores them one after the other. */
function probe({ rate, capacity, batch, delayMs = 40, stalls = [], jitterMs = 0, random = () => 0.5 }: Behaviour): ProbeEvidence {
  const settled: SettledRange[] = []
  let freeMs = 0
  for (let first = 0; (first * 1000) / rate < toMs; first += batch) {
    const dueFirstMs = (first * 1000) / rate
    const dueLastMs = ((first + batch - 1) * 1000) / rate
    freeMs = Math.max(freeMs, dueLastMs) + (batch * 1000) / capacity
    for (const [begin, end] of stalls) if (freeMs > begin && freeMs < end) freeMs = end
    settled.push({ atMs: freeMs + delayMs + jitterMs * random(), count: batch, dueFirstMs, dueLastMs, failed: false })
  }
  settled.sort((a, b) => a.atMs - b.atMs)
  const seenUntilMs = settled.at(-1)?.atMs ?? 0
  return { rate, fromMs, toMs, settled, seenUntilMs, generatorLagP99Ms: 1, generatorBusyShare: 0.02, cores: null, drained: true }
}

test('the saw of batches is no slope: a target below its capacity sustains, whatever the phase', () => {
  for (const batch of [1000, 7000, 13_000, 14_500]) {
    const { outcome, growth } = decide(probe({ rate: 100_000, capacity: 200_000, batch }), 500)
    assert.is(outcome, 'sustained', `batches of ${batch}`)
    assert.ok(growth !== null && Math.abs(growth.slope) < 0.02, `slope ${growth?.slope}`)
  }
})

test('an overload of a tenth is seen in the slope before anything is later than the limit', () => {
  const { outcome, broke, growth, lateness } = decide(probe({ rate: 110_000, capacity: 100_000, batch: 5000 }), 5000)
  assert.is(outcome, 'not sustained')
  assert.equal(broke, ['backlog'])
  assert.is(lateness.share, 0)
  assert.ok(growth !== null && Math.abs(growth.slope - (1 - 100 / 110)) < 0.02, `slope ${growth?.slope}`)
})

test('with noise, hardly any steady backlog is called growing, nor an overload of a tenth steady', () => {
  const random = seededRandom(3)
  const wrong = { steady: 0, growing: 0 }
  for (let i = 0; i < 200; i++) {
    const common = { batch: 5000, jitterMs: 60, random }
    if (decide(probe({ ...common, rate: 100_000, capacity: 130_000 }), 5000).outcome === 'not sustained') wrong.steady++
    if (decide(probe({ ...common, rate: 110_000, capacity: 100_000 }), 5000).outcome === 'sustained') wrong.growing++
  }
  assert.ok(wrong.steady <= 10, `${wrong.steady} of 200 steady ones`)
  assert.ok(wrong.growing <= 10, `${wrong.growing} of 200 growing ones`)
})

test('records that are all later than the limit break it, though the backlog is steady', () => {
  const { outcome, broke, lateness } = decide(probe({ rate: 100_000, capacity: 200_000, batch: 5000, delayMs: 600 }), 500)
  assert.is(outcome, 'not sustained')
  assert.equal(broke, ['latency'])
  assert.is(lateness.share, 1)
})

test('one stall is unclear, several are not', () => {
  const common = { rate: 100_000, capacity: 400_000, batch: 5000 }
  const once = decide(probe({ ...common, stalls: [[2000, 2250]] }), 200)
  assert.is(once.outcome, 'unclear', once.evidence.join('; '))
  const often = decide(
    probe({
      ...common,
      stalls: [
        [1200, 1500],
        [1900, 2200],
        [2600, 2900],
        [3300, 3600],
      ],
    }),
    200,
  )
  assert.is(often.outcome, 'not sustained', often.evidence.join('; '))
})

test('more late records than one in a hundred are never called sustained', () => {
  const { outcome, lateness } = decide(probe({ rate: 100_000, capacity: 400_000, batch: 14_000, stalls: [[2000, 2180]] }), 220)
  assert.ok(lateness.share > 0.01 && lateness.share < 0.04, `${lateness.share}`)
  assert.is(outcome, 'unclear')
})

test('what was due and never settled is late, and not coming to an end is not sustaining', () => {
  const whole = probe({ rate: 100_000, capacity: 200_000, batch: 5000 })
  const half = { ...whole, settled: whole.settled.slice(0, whole.settled.length / 2), seenUntilMs: 10_000 }
  const { lateness, broke, outcome } = decide({ ...half, drained: false }, 500)
  assert.is(outcome, 'not sustained')
  assert.ok(broke.includes('drain') && broke.includes('latency'))
  assert.ok(lateness.share > 0.5 && lateness.share < 0.8, `${lateness.share}`)
})

test('failed records are later than any limit', () => {
  const whole = probe({ rate: 100_000, capacity: 200_000, batch: 5000 })
  const failing = { ...whole, settled: whole.settled.map((range, i) => ({ ...range, failed: i % 4 === 0 })) }
  assert.is(decide(failing, 500).outcome, 'not sustained')
})

test('a probe in which Weir fell behind says nothing, unless the target passed it all the same', () => {
  const slow = probe({ rate: 110_000, capacity: 100_000, batch: 5000 })
  assert.is(decide({ ...slow, generatorLagP99Ms: 300 }, 500).outcome, 'void')
  assert.is(decide({ ...slow, generatorBusyShare: 0.95 }, 500).outcome, 'void')
  const fast = probe({ rate: 100_000, capacity: 200_000, batch: 5000 })
  assert.is(decide({ ...fast, generatorLagP99Ms: 300 }, 500).outcome, 'sustained')
})

test("a generator that needs little and gets no core has met the machine's limit", () => {
  const slow = { ...probe({ rate: 110_000, capacity: 100_000, batch: 5000 }), generatorLagP99Ms: 300 }
  const { outcome, evidence } = decide({ ...slow, cores: { busyShare: 0.97, generatorShare: 0.04 } }, 500)
  assert.is(outcome, 'not sustained')
  assert.match(evidence.join(), 'p99 300 ms, for want of a core: all of them were 97% busy, making lines took 4.0% of that')
  assert.is(decide({ ...slow, cores: { busyShare: 0.8, generatorShare: 0.04 } }, 500).outcome, 'void', 'there were cores')
  assert.is(decide({ ...slow, cores: { busyShare: 0.97, generatorShare: 0.3 } }, 500).outcome, 'void', 'it took them itself')
  assert.is(decide({ ...slow, generatorBusyShare: 0.95, cores: { busyShare: 0.97, generatorShare: 0.04 } }, 500).outcome, 'void')
})

test('a window too short for its batches has no slope, and is unclear', () => {
  const { outcome, growth } = decide(probe({ rate: 100_000, capacity: 200_000, batch: 50_000, delayMs: 0 }), 2000)
  assert.is(growth, null)
  assert.is(outcome, 'unclear')
})

test('the odds of a steady backlog: for it at zero, even near the noise, against it beyond', () => {
  const of = (slope: number) => steadyOdds({ slope, standardError: 0.02, freedom: 20 })
  assert.ok(of(0) > 4 && of(-0.5) === of(0))
  assert.ok(of(0.04) < 4 && of(0.04) > 0.25)
  assert.ok(of(0.1) < 0.01)
})

test('a backlog that grows by nearly all that comes is no border case, however well its slope is known', () => {
  for (const slope of [0.82, 0.86, 1, 3]) {
    const odds = steadyOdds({ slope, standardError: 0.004, freedom: 20 })
    assert.ok(odds < 1e-6, `${slope}: ${odds}`)
  }
  const steady = steadyOdds({ slope: 0, standardError: 0.004, freedom: 20 })
  assert.ok(steady > 4 && steady < 1e3, String(steady))
})

test.run()
