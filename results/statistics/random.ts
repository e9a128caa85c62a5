/** Reproducible random numbers for resampling and for simulations. */

/** Uniform numbers from 0 up to, but not including, 1. */
export type Random = () => number

/**
 * Reproducible random numbers: mulberry32 (Tommy Ettinger, public domain), period 2^32. For resampling, not for secrets.
 * @param seed any integer; its low 32 bits count.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The values in a random order (Fisher and Yates, 1938), in a new array. */
export function shuffled<T>(values: readonly T[], random: Random): T[] {
  const order = [...values]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const moved = order[last] as T
    order[last] = order[other] as T
    order[other] = moved
  }
  return order
}
