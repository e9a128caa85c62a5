/** Made-up series and the counting of intervals that cover the truth, for the tests beside this file. */
import * as assert from 'uvu/assert'
import type { Interval } from '../result.js'
import { type Random, seededRandom } from './random.js'

/** A standard normal number (Box and Muller, 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export function normals(random: Random, n: number): number[] {
  return Array.from({ length: n }, () => normal(random))
}

/** A stationary AR(1) series of mean 0 and variance 1, whose neighbours have this correlation. */
export function autoregressive(random: Random, n: number, correlation: number): number[] {
  const innovation = Math.sqrt(1 - correlation ** 2)
  let value = normal(random)
  return Array.from({ length: n }, () => {
    const here = value
    value = correlation * value + innovation * normal(random)
    return here
  })
}

/** Noise of a shared machine: one value in seven is disturbed, always downwards, by up to ten times the usual deviation. */
export function disturbed(random: Random): number {
  return 0.03 * normal(random) - (random() < 0.15 ? 0.3 * random() : 0)
}

export interface Simulation<Data> {
  readonly trials: number
  readonly seed: number
  readonly truth: number
  make(random: Random): Data
  interval(data: Data, random: Random): Interval | null
}

/** Share of the trials whose interval covers the truth. */
export function coverage<Data>({ trials, seed, truth, make, interval }: Simulation<Data>): number {
  const random = seededRandom(seed)
  let covered = 0
  for (let trial = 0; trial < trials; trial++) {
    const found = interval(make(random), random)
    if (found && found.low <= truth && truth <= found.high) covered++
  }
  return covered / trials
}

/**
 * Asserts that a simulation covers as often as was measured with many more trials: within 3.3 standard deviations of a
 * binomial share, which a right program misses once in a thousand seeds.
 */
export function covers<Data>(measured: number, simulation: Simulation<Data>): void {
  near(coverage(simulation), measured, 3.3 * Math.sqrt((measured * (1 - measured)) / simulation.trials))
}

export function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`)
}
