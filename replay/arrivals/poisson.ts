/** Poisson arrivals: records that know nothing of each other, as those of many independent visitors. */
import { type Arrivals, checkRate } from './arrivals.js'

/** The schedule is drawn cell by cell; what is kept is a number for each. */
const cellMs = 5
/** Counts of a cell are drawn in parts of at most this mean, for which inversion is exact and cheap. */
const drawnMean = 16

/**
 * A homogeneous Poisson process that is a pure function of rate and seed: the count of each cell of 5 ms is drawn from
 * its Poisson distribution; within a cell the records are split between the halves by fair coins, halves of halves and so
 * on until one is alone, which lies anywhere in its part (the order statistics of a Poisson process: Kingman, Poisson
 * Processes, 1993). Every coin comes from a hash of seed and place, so any record can be asked for in any order. Memory:
 * a number for each 5 ms.
 * @param recordsPerSecond above 0
 * @throws RangeError when the rate is not a positive number
 */
export function poisson(recordsPerSecond: number, seed: number): Arrivals {
  checkRate(recordsPerSecond)
  const mean = (recordsPerSecond * cellMs) / 1000
  /** Records before each cell that was drawn so far, and after the last of them. */
  const before: number[] = [0]
  const drawTo = (cell: number) => {
    while (before.length <= cell + 1) before.push((before.at(-1) ?? 0) + cellCount(seed, before.length - 1, mean))
  }
  const drawUntil = (index: number) => {
    while ((before.at(-1) ?? 0) <= index) drawTo(before.length - 1)
  }
  const countOf = (cell: number) => (before[cell + 1] ?? 0) - (before[cell] ?? 0)
  const dueAt = (index: number): number => {
    drawUntil(index)
    const cell = cellOf(before, index)
    return cell * cellMs + cellMs * place(seed, cell, countOf(cell), index - (before[cell] ?? 0))
  }
  return {
    recordsPerSecond,
    even: false,
    dueAt,
    dueBy(elapsedMs) {
      if (elapsedMs < 0) return 0
      const cell = Math.floor(elapsedMs / cellMs)
      drawTo(cell)
      let due = (before[cell] ?? 0) + countUntil(seed, cell, countOf(cell), elapsedMs / cellMs - cell)
      // Rounding must not make the two functions disagree about the record at the border.
      while (due > 0 && dueAt(due - 1) > elapsedMs) due--
      while (dueAt(due) <= elapsedMs) due++
      return due
    },
  }
}

/** Where in a cell, 0 to 1, the record with this rank lies. */
function place(seed: number, cell: number, count: number, rank: number): number {
  let [low, width, node, n, k] = [0, 1, 1, count, rank]
  while (n > 1 && width > smallest) {
    const left = heads(seed, cell, node, n)
    width /= 2
    if (k < left) {
      n = left
      node = 2 * node
    } else {
      k -= left
      n -= left
      low += width
      node = 2 * node + 1
    }
  }
  return low + width * (n > 1 ? (k + 0.5) / n : uniform(seed, cell, node, 0))
}

/** Parts of a cell are not halved any further: beyond that times differ by less than a clock shows. */
const smallest = 2 ** -30

/** How many of a cell's records lie within this share of it, but for rounding. */
function countUntil(seed: number, cell: number, count: number, share: number): number {
  let [low, width, node, n, counted] = [0, 1, 1, count, 0]
  while (n > 1 && width > smallest) {
    const left = heads(seed, cell, node, n)
    width /= 2
    if (share < low + width) {
      n = left
      node = 2 * node
    } else {
      counted += left
      n -= left
      low += width
      node = 2 * node + 1
    }
  }
  return counted
}

/** The cell that holds a record. */
function cellOf(before: readonly number[], index: number): number {
  let [low, high] = [0, before.length - 2]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((before[middle] ?? 0) <= index) low = middle
    else high = middle - 1
  }
  return low
}

/** A draw from the Poisson distribution: sums of draws by inversion of its distribution function. */
function cellCount(seed: number, cell: number, mean: number): number {
  const parts = Math.max(1, Math.ceil(mean / drawnMean))
  let count = 0
  for (let part = 0; part < parts; part++) count += inverted(mean / parts, uniform(seed, cell, 0, part))
  return count
}

function inverted(mean: number, u: number): number {
  let probability = Math.exp(-mean)
  let sum = probability
  let count = 0
  while (u > sum && probability > 0) {
    count++
    probability *= mean / count
    sum += probability
  }
  return count
}

/** How many of n fair coins show heads: the ones among n random bits. */
function heads(seed: number, cell: number, node: number, n: number): number {
  let count = 0
  for (let done = 0, word = 0; done < n; done += 32, word++) {
    const bits = hash(seed, cell, node, word)
    count += ones(n - done >= 32 ? bits : bits >>> (32 - (n - done)))
  }
  return count
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Uniform, above 0 and below 1, of 53 bits. */
function uniform(seed: number, cell: number, node: number, word: number): number {
  const high = hash(seed, cell, node, 2 * word + 0x40000000) >>> 5
  const low = hash(seed, cell, node, 2 * word + 0x40000001) >>> 6
  return (high * 2 ** 26 + low + 0.5) / 2 ** 53
}

/** 32 bits from four numbers: rounds of the finalizer of MurmurHash3 (Appleby, 2011). Nodes may exceed 32 bits. */
function hash(seed: number, cell: number, node: number, word: number): number {
  let h = mix((seed | 0) ^ 0x9e3779b9)
  h = mix(h ^ cell)
  h = mix(h ^ (node | 0) ^ Math.imul(Math.floor(node / 2 ** 32), 0x85ebca6b))
  return mix(h + Math.imul(word, 0x9e3779b1)) >>> 0
}

function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) + 0x7ed55d16
}
