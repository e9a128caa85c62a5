/** Change points: of made-up histories with known changes, of noise, and the statistic by hand. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { changePoints } from './change-points.js'
import { type Random, seededRandom } from './random.js'
import { disturbed, near, normal } from './simulation.testing.js'

const history = (random: Random, levels: readonly (readonly [number, number])[], noise = (draw: Random) => 0.03 * normal(draw)) =>
  levels.flatMap(([length, level]) => Array.from({ length }, () => level * Math.exp(noise(random))))

test('two steps are found where they are, with their sizes', () => {
  const values = history(seededRandom(1), [
    [20, 100],
    [15, 80],
    [12, 120],
  ])
  const found = changePoints(values)
  assert.equal(
    found.map(({ index }) => index),
    [20, 35],
  )
  near(found[0]?.ratio ?? 0, 0.8, 0.02)
  near(found[1]?.ratio ?? 0, 1.5, 0.04)
  assert.ok(found.every(({ p }) => p <= 0.001))
})

test('the same series has the same changes', () => {
  const values = history(seededRandom(2), [
    [12, 100],
    [12, 94],
  ])
  assert.equal(changePoints(values), changePoints(values))
})

test('one outlier is no change, nor are equal or few values', () => {
  const values = history(seededRandom(3), [[30, 100]])
  values[14] = 40
  assert.equal(changePoints(values), [])
  assert.equal(changePoints(new Array(30).fill(5)), [])
  assert.equal(changePoints([1, 1, 1, 9, 9, 9]), [])
  assert.equal(changePoints([]), [])
  assert.is(changePoints([1, 1.1, 0.9, 1, 1.05, 9, 9.1, 9.2, 9])[0]?.index, 5)
})

test('noise is called a change no more often than was said, whatever its tails', () => {
  // The test is exact: at most 2.5% of series without a change; bound: 3.3 standard deviations of 400 trials.
  for (const noise of [(draw: Random) => 0.05 * normal(draw), disturbed]) {
    const random = seededRandom(4)
    let alarms = 0
    for (let trial = 0; trial < 400; trial++) {
      if (changePoints(history(random, [[24, 100]], noise), { permutations: 199 }).length > 0) alarms++
    }
    assert.ok(alarms <= 400 * (0.025 + 3.3 * Math.sqrt((0.025 * 0.975) / 400)), String(alarms))
  }
})

test('a change of 10% in three new results of twenty is seen although one run in seven is disturbed', () => {
  const random = seededRandom(6)
  let found = 0
  for (let trial = 0; trial < 100; trial++) {
    const values = history(
      random,
      [
        [17, 100],
        [3, 75],
      ],
      (draw) => 0.03 * normal(draw),
    )
    if (changePoints(values).some(({ index }) => index === 17)) found++
  }
  assert.ok(found >= 95, String(found))
})

/** The statistic as its formula reads, every distance for itself. */
function energyDistance(values: readonly number[], index: number): number {
  const [x, y] = [values.slice(0, index), values.slice(index)]
  const mean = (a: readonly number[], b: readonly number[]) =>
    a.flatMap((p) => b.map((q) => Math.abs(p - q))).reduce((sum, distance) => sum + distance, 0) / (a.length * b.length)
  const within = (a: readonly number[]) => (mean(a, a) * a.length) / (a.length - 1)
  return ((x.length * y.length) / values.length) * (2 * mean(x, y) - within(x) - within(y))
}

test('the split is the one where the formula is largest', () => {
  const random = seededRandom(7)
  for (let trial = 0; trial < 20; trial++) {
    const values = history(random, [
      [9, 100],
      [11, 90],
    ])
    const places = Array.from({ length: values.length - 5 }, (_, i) => i + 3)
    const best = places.reduce((a, b) => (energyDistance(values, b) > energyDistance(values, a) ? b : a))
    const [found] = changePoints(values, { permutations: 39, significance: 0.5 })
    if (found) assert.ok(changePoints(values, { permutations: 39, significance: 0.5 }).some(({ index }) => index === best))
  }
})

test.run()
