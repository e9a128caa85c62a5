/** The gate's decision, by known answers and by simulation. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decide, defaultRule, type GateCopy, wordFor } from './gate.js'
import { type Random, seededRandom } from './statistics.js'

const between = (low: number, high: number) => ({ low, high, confidence: 0.99 })

test('a regression needs an interval on the slow side and an effect that matters', () => {
  assert.is(wordFor(0.9, between(0.87, 0.93), 0.05), 'slower')
  assert.is(wordFor(0.96, between(0.95, 0.97), 0.05), 'no regression shown', 'shown, but smaller than what matters')
  assert.is(wordFor(0.9, between(0.79, 1.01), 0.05), 'cannot tell', 'large, but not shown')
})

test('without a regression, twice the least effect has to be ruled out', () => {
  assert.is(wordFor(1, between(0.91, 1.09), 0.05), 'no regression shown')
  assert.is(wordFor(1, between(0.89, 1.11), 0.05), 'cannot tell')
  assert.is(wordFor(1, null, 0.05), 'cannot tell')
})

test('faster is said like slower', () => {
  assert.is(wordFor(1.1, between(1.07, 1.13), 0.05), 'faster')
  assert.is(wordFor(1.02, between(1.01, 1.03), 0.05), 'no regression shown')
})

test('the ratio is candidate over base', () => {
  const { word, ratio } = decide(
    Array.from({ length: 2 }, () => Array.from({ length: 4 }, (_, i) => [100, 80 + i / 10] as const)),
    defaultRule,
  )
  assert.is(word, 'slower')
  assert.ok(Math.abs(ratio - 0.8015) < 0.001, String(ratio))
})

test('too few pairs decide nothing', () => {
  const { word, interval, timesPairs } = decide([Array.from({ length: 7 }, () => [100, 50] as const)], defaultRule)
  assert.is(word, 'cannot tell')
  assert.is(interval, null)
  assert.is(timesPairs, null)
})

test('a pair that was disturbed hardly moves the centre', () => {
  const quiet = Array.from({ length: 9 }, () => [100, 100] as const)
  const { ratio } = decide(
    [
      [...quiet, [100, 10]],
      [...quiet, [100, 10]],
      [...quiet, [100, 10]],
    ],
    defaultRule,
  )
  assert.ok(Math.abs(ratio - 1) < 0.001, String(ratio))
})

test('copies that lie farther apart than their own noise explains widen the interval', () => {
  const copy = (ratio: number) => Array.from({ length: 10 }, (_, i) => [100, 100 * ratio * (1 + (i - 4.5) / 1000)] as const)
  const width = (copies: readonly GateCopy[]) => {
    const { interval } = decide(copies, defaultRule)
    return (interval?.high ?? 0) - (interval?.low ?? 0)
  }
  const alike = width([copy(0.9), copy(0.9), copy(0.9)])
  const apart = [copy(0.85), copy(0.9), copy(0.95)]
  assert.ok(width(apart) > 10 * alike)
  assert.is(decide(apart, defaultRule).word, 'cannot tell')
})

test('what is missing is told as a number of pairs', () => {
  const copies = [0.8, 1.2, 0.9, 1.1].map((ratio): GateCopy => [0.9, 1, 1.1].map((other) => [100, 100 * ratio * other]))
  const { word, timesPairs } = decide(copies, defaultRule)
  assert.is(word, 'cannot tell')
  assert.ok((timesPairs ?? 0) > 10, String(timesPairs))
})

test('no copies, no pairs and no speed are refused', () => {
  assert.throws(() => decide([], defaultRule), RangeError)
  assert.throws(() => decide([[]], defaultRule), RangeError)
  assert.throws(() => decide([[[100, 0]]], defaultRule), RangeError)
})

/** Normal numbers by pairs of uniform ones (Box and Muller, 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

interface Noise {
  /** Standard deviations of log ratios: of a pair, and of what the pairs of a copy have in common. */
  readonly pair: number
  readonly copy: number
  /** Share of the pairs of which one side took half as long again to three times as long. */
  readonly disturbed: number
}

const copiesOfOne = 4
const pairsOfCopy = 20

/** How many of so many gates fail a candidate with this ratio; a gate that cannot tell goes on for so many rounds. */
function failures(gates: number, ratio: number, { pair, copy, disturbed }: Noise, seed: number, rounds = 1): number {
  const random = seededRandom(seed)
  const one = (): GateCopy[] =>
    Array.from({ length: copiesOfOne }, () => {
      const own = copy * normal(random)
      return Array.from({ length: pairsOfCopy }, () => {
        const hit = random() < disturbed ? Math.log(1.5 + 1.5 * random()) * (random() < 0.5 ? 1 : -1) : 0
        return [1000, 1000 * ratio * Math.exp(own + pair * normal(random) + hit)] as const
      })
    })
  let failed = 0
  for (let i = 0; i < gates; i++) {
    const copies = one()
    while (decide(copies, defaultRule).word === 'cannot tell' && copies.length < rounds * copiesOfOne) copies.push(...one())
    if (decide(copies, defaultRule).word === 'slower') failed++
  }
  return failed
}

const standardError = (noise: Noise) => Math.sqrt((noise.pair ** 2 / pairsOfCopy + noise.copy ** 2) / copiesOfOne)

test('with a standard error of 1.5%, a tenth is caught and nothing else', () => {
  const noise = { pair: 0.12, copy: 0.012, disturbed: 0 }
  assert.ok(Math.abs(standardError(noise) - 0.015) < 0.001, String(standardError(noise)))
  assert.is(failures(400, 1, noise, 1), 0)
  assert.ok(failures(400, 0.9, noise, 2) >= 388)
})

test('where one pair in seven is disturbed, still', () => {
  const noise = { pair: 0.1, copy: 0.02, disturbed: 1 / 7 }
  assert.ok(failures(400, 1, noise, 3) <= 1)
  assert.ok(failures(400, 0.9, noise, 4) >= 380)
})

test('however large the noise, false alarms stay below what the interval promises', () => {
  for (const pair of [0.3, 0.6]) assert.ok(failures(400, 1, { pair, copy: pair / 10, disturbed: 0.1 }, 11) <= 6)
})

test('going on while it cannot tell catches what one round leaves open, and cries wolf no more than three intervals may', () => {
  const noise = { pair: 0.25, copy: 0, disturbed: 0.1 }
  const [one, three] = [1, 3].map((rounds) => failures(300, 0.9, noise, 7, rounds))
  assert.ok((one ?? 0) < 200, `${one} of 300 in one round`)
  assert.ok((three ?? 0) > 285, `${three} of 300 in three`)
  assert.ok(failures(400, 1, noise, 8, 3) <= 6)
})

test('a slowdown that does not matter is let through', () => {
  assert.ok(failures(400, 0.98, { pair: 0.12, copy: 0.012, disturbed: 0 }, 6) <= 16)
})

test.run()
