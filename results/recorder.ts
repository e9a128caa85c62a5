/** Files settled ranges of records into latency histograms and a series of seconds, without touching single records. */
import { LatencyHistogram } from './histogram.js'
import type { Interval, Quantiles, Stage } from './result.js'
import { StageSeries, stageOf } from './stages.js'
import { batchesNeeded, sharesAround } from './statistics.js'

/** Moments of a record that are measured from when it was due, and `service`: stored, measured from when it was offered. */
export const moments = ['accepted', 'durable', 'stored', 'service'] as const
export type Moment = (typeof moments)[number]

/** Records that reached a moment together and were due evenly between two instants. All times on one clock, milliseconds. */
export interface Settled {
  readonly count: number
  /** When the first of them was due. */
  readonly dueFirstMs: number
  /** When the last of them was due; the same for a single record. */
  readonly dueLastMs: number
  /** When they all reached the moment. */
  readonly atMs: number
}

/** Which records belong: those due from <= due < to. What was due outside (warm-up, drain) is counted, not filed. */
export interface RecordingWindow {
  readonly fromMs: number
  readonly toMs: number
  /** Second 0 of the series of stored counts; the window's start unless given. */
  readonly originMs?: number
  /** Pieces of the window that intervals rest on (default 20). */
  readonly slices?: number
}

/** What is filed as one value spans no more of the latency than this much ... */
const stepMs = 1
/** ... or this share of it: two steps of a histogram with three digits. */
const stepShare = 0.002

/** Records that reach a moment within so many milliseconds of each other count as one batch. */
const batchMs = 10
/** More batches than this are as good. */
const enoughBatches = batchesNeeded(0.999)
/** Slices that an interval rests on, of all blocks together. */
const usualSlices = 20
/** A slice has at least so many batches, or neighbours would share theirs. */
const batchesPerSlice = 2

/** Latencies of one block: one histogram for each slice of its window, to see how much they differ. */
interface Block {
  readonly slices: readonly LatencyHistogram[]
  /** When batches arrived, in units of `batchMs`. */
  readonly batches: Set<number>
}

/** Latencies of one moment. */
interface Series {
  /** What was filed here comes first, then what was merged. */
  readonly blocks: [Block, ...Block[]]
  /** The same second by second. */
  readonly course: StageSeries
  outside: number
}

export class Recorder {
  /** Records stored in each second since the origin, by when they were stored, whether due inside the window or not. */
  readonly storedPerSecond: number[] = []
  /** Records stored before the origin. */
  storedBefore = 0
  private readonly series: Record<Moment, Series>
  private readonly sliceMs: number
  private readonly originMs: number

  /** @throws RangeError when the window's start is not finite or lies behind its end. `toMs` may be Infinity: then there is one slice. */
  constructor(private readonly window: RecordingWindow) {
    if (!Number.isFinite(window.fromMs) || !(window.toMs > window.fromMs)) {
      throw new RangeError(`a recording window must end after it starts, not run from ${window.fromMs} to ${window.toMs} ms`)
    }
    const slices = Number.isFinite(window.toMs) ? Math.max(1, Math.floor(window.slices ?? 20)) : 1
    this.sliceMs = (window.toMs - window.fromMs) / slices
    this.originMs = window.originMs ?? window.fromMs
    const empty = (): Series => ({
      blocks: [{ slices: Array.from({ length: slices }, () => new LatencyHistogram()), batches: new Set() }],
      course: new StageSeries(),
      outside: 0,
    })
    this.series = { accepted: empty(), durable: empty(), stored: empty(), service: empty() }
  }

  /**
   * Files a range that reached a moment. Work grows with the time it spans (a step per millisecond of due time or per
   * 0.2% of latency, whichever is coarser), not with its records. The record with number i of n is taken to have been
   * due at dueFirst + i (dueLast - dueFirst) / (n - 1).
   */
  file(moment: Moment, { count, dueFirstMs, dueLastMs, atMs }: Settled): void {
    if (count <= 0) return
    if (moment === 'stored') this.countStored(count, atMs)
    const series = this.series[moment]
    const { fromMs, toMs } = this.window
    const { slices, batches } = series.blocks[0]
    const spacingMs = count > 1 ? Math.max(0, (dueLastMs - dueFirstMs) / (count - 1)) : 0
    const begin = firstDueFrom(fromMs, dueFirstMs, spacingMs, count)
    const end = Math.max(begin, firstDueFrom(toMs, dueFirstMs, spacingMs, count))
    series.outside += count - (end - begin)
    if (end > begin && batches.size < enoughBatches) batches.add(Math.floor(atMs / batchMs))

    for (let i = begin; i < end; ) {
      const dueMs = dueFirstMs + i * spacingMs
      const slowest = atMs - dueMs
      const slice = Math.min(slices.length - 1, Math.floor((dueMs - fromMs) / this.sliceMs) || 0)
      let n = end - i
      if (spacingMs > 0) {
        // A step must not reach into the next slice, nor past the moment itself, or a negative value would be averaged away.
        const untilNegative = slowest >= 0 ? Math.floor(slowest / spacingMs) + 1 : n
        const inStep = Math.floor(Math.max(stepMs, slowest * stepShare) / spacingMs) + 1
        const sliceEnd = firstDueFrom(fromMs + (slice + 1) * this.sliceMs, dueFirstMs, spacingMs, count)
        n = Math.max(1, Math.min(n, inStep, untilNegative, sliceEnd - i))
      }
      const middle = slowest - ((n - 1) * spacingMs) / 2
      slices[slice]?.file(middle, n, slowest)
      series.course.file(dueMs - fromMs, middle, n, slowest)
      i += n
    }
  }

  /** Records of this moment that were due outside the window. */
  outside(moment: Moment): number {
    return this.series[moment].outside
  }

  /** Records of this moment that were due inside the window. */
  count(moment: Moment): number {
    return this.slices(moment).reduce((sum, slice) => sum + slice.count + slice.negative, 0)
  }

  /** All latencies of a moment in one histogram. */
  histogram(moment: Moment): LatencyHistogram {
    return merged(this.slices(moment))
  }

  /** What the document keeps of a moment; undefined when nothing was filed. */
  stage(moment: Moment): Stage | undefined {
    return stageOf(this.histogram(moment), this.series[moment].course)
  }

  /** p50, p90, p99, p999 and max in milliseconds; undefined when nothing was filed. */
  quantiles(moment: Moment): Quantiles | undefined {
    return this.histogram(moment).quantiles()
  }

  /**
   * Where the quantile of a leg like this one lies with 95% confidence: see `sharesAround`. Undefined with too few batches for
   * the quantile (`batchesNeeded`), or too few slices of time.
   */
  interval(moment: Moment, q: number): Interval | undefined {
    const { blocks } = this.series[moment]
    const batches = blocks.reduce((sum, block) => sum + block.batches.size, 0)
    if (batches < batchesNeeded(q)) return undefined
    const histogram = this.histogram(moment)
    const measured = histogram.quantile(q)
    const slices = blocks.flatMap((block) => longer(block, Math.ceil(usualSlices / blocks.length)))
    const counts = slices.map((slice) => ({ records: slice.count, within: slice.within(measured) }))
    const shares = sharesAround(counts, q)
    return shares === null ? undefined : { low: histogram.quantile(shares.low), high: histogram.quantile(shares.high), confidence: 0.95 }
  }

  /**
   * Adds what another recorder of the same window filed: another block, whose slices stay apart. Nothing is filed here any more.
   * @throws RangeError when the windows differ: their seconds would not be the same.
   */
  merge(other: Recorder): void {
    const same = this.window.fromMs === other.window.fromMs && this.sliceMs === other.sliceMs && this.originMs === other.originMs
    if (!same) throw new RangeError('only recorders of the same window can be merged')
    for (const moment of moments) {
      const from = other.series[moment]
      this.series[moment].outside += from.outside
      this.series[moment].blocks.push(...from.blocks)
      this.series[moment].course.add(from.course)
    }
    this.storedBefore += other.storedBefore
    for (const [second, count] of other.storedPerSecond.entries()) this.addStored(second, count)
  }

  private slices(moment: Moment): readonly LatencyHistogram[] {
    return this.series[moment].blocks.flatMap(({ slices }) => slices)
  }

  private countStored(count: number, atMs: number): void {
    const second = Math.floor((atMs - this.originMs) / 1000)
    if (second < 0) this.storedBefore += count
    else this.addStored(second, count)
  }

  private addStored(second: number, count: number): void {
    while (this.storedPerSecond.length <= second) this.storedPerSecond.push(0)
    this.storedPerSecond[second] = (this.storedPerSecond[second] ?? 0) + count
  }
}

/** The slices of a block, put together to `most` at the most, each with `batchesPerSlice` batches, but two at least. */
function longer({ slices, batches }: Block, most: number): readonly LatencyHistogram[] {
  const wished = Math.min(slices.length, most, Math.max(2, Math.floor(batches.size / batchesPerSlice)))
  return Array.from({ length: wished }, (_, i) =>
    merged(slices.slice(Math.floor((i * slices.length) / wished), Math.floor(((i + 1) * slices.length) / wished))),
  )
}

function merged(slices: readonly LatencyHistogram[]): LatencyHistogram {
  const all = new LatencyHistogram()
  for (const slice of slices) all.add(slice)
  return all
}

/** Number of the first of `count` evenly due records that is due at `instantMs` or later. */
function firstDueFrom(instantMs: number, dueFirstMs: number, spacingMs: number, count: number): number {
  if (dueFirstMs >= instantMs) return 0
  if (spacingMs === 0 || instantMs === Number.POSITIVE_INFINITY) return count
  return Math.min(count, Math.ceil((instantMs - dueFirstMs) / spacingMs))
}
