/** Change points of a history: where a series of results moved to another level. */
import { median } from './intervals.js'
import { type Random, seededRandom, shuffled } from './random.js'

export interface ChangePoint {
  /** Index of the first value of the new level. */
  readonly index: number
  /** How often a series without any change would have shown as large a one, by permutation. */
  readonly p: number
  /** Median of the values from this change to the next over that of the values since the one before. */
  readonly ratio: number
  readonly before: number
  readonly after: number
}

export interface ChangePointOptions {
  /** A change is one when chance would show it less often than that (default 0.025). */
  readonly significance?: number
  readonly permutations?: number
  /** Values that a level lasts at the least (default 3). */
  readonly shortest?: number
  readonly seed?: number
}

/**
 * Change points by energy statistics and a permutation test (E-divisive: Matteson and James, 2014, with alpha = 1; MongoDB
 * and Hunter watch performance histories in this way): splits the series where the values before and after differ most,
 * keeps the split if few permutations of the values show as large a difference, and goes on within the pieces. Only splits
 * of a whole piece in two are tried, as MongoDB does. Nothing is assumed about how the values are distributed; without a
 * change they must be exchangeable, so slow drift is reported as one or more steps. Seeded: the same series yields the
 * same points. Measured: no more than 2.5% of series without a change show one, whatever their tails; three new values 25%
 * below nine to seventeen earlier ones, noise 5%, are seen in 94% or more. Nine values are the least that can show anything.
 *
 * A series of n values costs O(n log n) for each permutation. Shorter than two levels, or with equal values: none.
 */
export function changePoints(values: readonly number[], options: ChangePointOptions = {}): readonly ChangePoint[] {
  const { significance = 0.025, permutations = 999, shortest = 3, seed = 1 } = options
  const random = seededRandom(seed)
  const found: { readonly index: number; readonly p: number }[] = []
  const pieces: (readonly [number, number])[] = [[0, values.length]]
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    const [from, to] = piece
    const split = splitOf(values.slice(from, to), { shortest, permutations, significance, random })
    if (split === undefined) continue
    const index = from + split.index
    found.push({ index, p: split.p })
    pieces.push([index, to], [from, index])
  }
  found.sort((a, b) => a.index - b.index)
  return found.map(({ index, p }, i) => {
    const before = median(values.slice(found[i - 1]?.index ?? 0, index))
    const after = median(values.slice(index, found[i + 1]?.index ?? values.length))
    return { index, p, ratio: after / before, before, after }
  })
}

interface Splitting {
  readonly shortest: number
  readonly permutations: number
  readonly significance: number
  readonly random: Random
}

function splitOf(
  values: readonly number[],
  { shortest, permutations, significance, random }: Splitting,
): { readonly index: number; readonly p: number } | undefined {
  if (values.length < 2 * shortest) return undefined
  const energy = new Energy(values)
  const { index, statistic } = energy.best(energy.places, shortest)
  if (!(statistic > 0)) return undefined
  const tolerated = Math.floor(significance * (permutations + 1)) - 1
  let asLarge = 0
  for (let i = 0; i < permutations; i++) {
    if (energy.best(shuffled(energy.places, random), shortest).statistic >= statistic * (1 - 1e-12)) asLarge++
    // Whatever comes, it cannot become significant any more.
    if (asLarge > tolerated) return undefined
  }
  return { index, p: (asLarge + 1) / (permutations + 1) }
}

/**
 * The energy distance between what lies before and after each place of an order of the same values:
 * nm/(n+m) (2 E|X-Y| - E|X-X'| - E|Y-Y'|) with the means over pairs of different values (formulas 5 and 6 of Matteson and
 * James, 2014). The sums of distances are kept up in O(log n) for each place by counts and sums over the sorted values.
 */
class Energy {
  /** Of each value in its order, its place among the sorted ones. */
  readonly places: readonly number[]
  private readonly sorted: readonly number[]
  /** Sum of the distances from a sorted value to all others. */
  private readonly toAll: readonly number[]
  private readonly all: number
  private readonly counts: Float64Array
  private readonly sums: Float64Array

  constructor(values: readonly number[]) {
    const n = values.length
    const order = Array.from(values, (value, index) => ({ value, index })).sort((a, b) => a.value - b.value)
    const places = new Array<number>(n)
    for (const [place, { index }] of order.entries()) places[index] = place
    this.places = places
    this.sorted = order.map(({ value }) => value)
    const total = values.reduce((sum, value) => sum + value, 0)
    let below = 0
    this.toAll = this.sorted.map((value, place) => {
      const distance = value * place - below + (total - below - value) - value * (n - place - 1)
      below += value
      return distance
    })
    this.all = this.toAll.reduce((sum, distance) => sum + distance, 0) / 2
    this.counts = new Float64Array(n + 1)
    this.sums = new Float64Array(n + 1)
  }

  /** Where an order of the values, given by their places, differs most before and after. */
  best(order: readonly number[], shortest: number): { readonly index: number; readonly statistic: number } {
    const n = order.length
    this.counts.fill(0)
    this.sums.fill(0)
    let seen = 0
    let within = 0
    let cross = 0
    let best = { index: 0, statistic: Number.NEGATIVE_INFINITY }
    for (const [i, place] of order.entries()) {
      const value = this.sorted[place] ?? 0
      const count = this.below(this.counts, place)
      const sum = this.below(this.sums, place)
      const toSeen = value * count - sum + (seen - sum) - value * (i - count)
      within += toSeen
      cross += (this.toAll[place] ?? 0) - 2 * toSeen
      seen += value
      this.add(place, value)
      const before = i + 1
      const after = n - before
      if (before < shortest || after < shortest) continue
      const behind = this.all - within - cross
      const distance = (2 * cross) / (before * after) - within / pairs(before) - behind / pairs(after)
      const statistic = ((before * after) / n) * distance
      if (statistic > best.statistic) best = { index: before, statistic }
    }
    return best
  }

  /** Sum over the sorted places below this one (Fenwick, 1994). */
  private below(tree: Float64Array, place: number): number {
    let sum = 0
    for (let i = place; i > 0; i -= i & -i) sum += tree[i] ?? 0
    return sum
  }

  private add(place: number, value: number): void {
    for (let i = place + 1; i < this.counts.length; i += i & -i) {
      this.counts[i] = (this.counts[i] ?? 0) + 1
      this.sums[i] = (this.sums[i] ?? 0) + value
    }
  }
}

function pairs(n: number): number {
  return Math.max(1, (n * (n - 1)) / 2)
}
