/** Warm-ups of known lengths, and series that never settle. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { median } from './intervals.js'
import { type Random, seededRandom } from './random.js'
import { normal } from './simulation.testing.js'
import { steadyState } from './steady-state.js'

const trials = (make: (random: Random) => readonly number[]) => {
  const random = seededRandom(8)
  return Array.from({ length: 200 }, () => steadyState(make(random)))
}

test('a step is left out to its end, a level is kept', () => {
  const step = Array.from({ length: 100 }, (_, i) => (i < 20 ? 0 : 10 + (i % 2)))
  assert.equal(steadyState(step), { warmup: 20, settled: true })
  const level = Array.from({ length: 100 }, (_, i) => 10 + (i % 2))
  assert.equal(steadyState(level).settled, true)
})

test('an exponential warm-up is left out until it is lost in the noise', () => {
  // 10 (1 - exp(-t/10)) comes within one deviation of its end at t = 23.
  const found = trials((random) => Array.from({ length: 200 }, (_, i) => 10 * (1 - Math.exp(-i / 10)) + normal(random)))
  const warmups = found.map(({ warmup }) => warmup)
  assert.ok(median(warmups) >= 25 && median(warmups) <= 35, String(median(warmups)))
  assert.ok(found.filter(({ settled }) => settled).length >= 190)
})

test('a drift never settles, and neither does what is too short to tell', () => {
  const found = trials((random) => Array.from({ length: 100 }, (_, i) => i / 5 + normal(random)))
  assert.ok(found.filter(({ settled }) => settled).length <= 15)
  assert.equal(steadyState([1, 2, 3]), { warmup: 0, settled: false })
})

test.run()
