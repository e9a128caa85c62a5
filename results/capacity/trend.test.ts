/** The slope of a short series: exact on a line, and its interval honest whatever the noise remembers. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { incompleteBeta } from '../statistics/beta.js'
import { type Random, seededRandom } from '../statistics.js'
import { trendOf } from './trend.js'

const normal = (random: Random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

test('a straight line has its slope and no error', () => {
  const { slope, low, high } = trendOf(Array.from({ length: 12 }, (_, k) => 5 + 3 * k))
  assert.ok(Math.abs(slope - 3) < 1e-9)
  assert.ok(high - low < 1e-6)
})

test('a series too short for an error is refused', () => {
  assert.throws(() => trendOf([1, 2, 3]), /needs 8 values/)
})

/** How often the interval holds the true slope when the noise hands on `memory` of itself. */
function coverage(memory: number, length: number): number {
  const random = seededRandom(5)
  const times = 1000
  let held = 0
  for (let i = 0; i < times; i++) {
    let noise = normal(random)
    const values = Array.from({ length }, (_, k) => {
      noise = memory * noise + normal(random)
      return 0.7 * k + noise
    })
    const { low, high } = trendOf(values)
    if (low <= 0.7 && 0.7 <= high) held++
  }
  return held / times
}

/** A series so short cannot tell much memory from full memory: of a backlog that wanders, 95% are not reached. */
const leastCovered = 0.75

test('the interval holds the slope, in noise without memory, with some, and a wandering backlog', () => {
  for (const length of [10, 20]) {
    for (const memory of [0, 0.5, 1]) {
      const held = coverage(memory, length)
      assert.ok(held >= leastCovered, `memory ${memory}, ${length} values: ${held}`)
    }
  }
})

test('the beta distribution against values that are known in closed form', () => {
  const known: readonly (readonly [number, number, number, number])[] = [
    [0.01, 0.5, 0.5, (2 / Math.PI) * Math.asin(0.1)],
    [0.3, 1, 7, 1 - 0.7 ** 7],
    [0.5, 2, 3, 0.6875],
    [0.9, 5, 1, 0.9 ** 5],
    [0.5, 300, 300, 0.5],
  ]
  for (const [x, a, b, expected] of known) assert.ok(Math.abs(incompleteBeta(x, a, b) - expected) < 1e-9, `${x}, ${a}, ${b}`)
  assert.is(incompleteBeta(0, 2, 3), 0)
  assert.is(incompleteBeta(1, 2, 3), 1)
})

test.run()
