/** A latency histogram: weighted values in milliseconds in, quantiles in milliseconds out, nothing clipped. */
import { decodeFromCompressedBase64, encodeIntoCompressedBase64, Float64Histogram, type JsHistogram } from 'hdr-histogram-js'
import type { Quantiles } from './result.js'

/**
 * An HDR histogram of microseconds with three significant digits that grows with its largest value. Counts are 64-bit
 * floats, exact to 2^53. A value below zero (an answer before the record was due: a clock is wrong) is never filed as
 * something else, only counted in `negative`.
 */
export class LatencyHistogram {
  private readonly micros: Float64Histogram
  private largestMs = 0
  private below = 0

  constructor(digits: 1 | 2 | 3 = 3) {
    this.micros = new Float64Histogram(1, 1 << 20, digits)
    this.micros.autoResize = true
  }

  /** Of what `encoded` wrote, microseconds; negative values are not in it. @throws when it is none */
  static decoded(text: string): LatencyHistogram {
    const histogram = new LatencyHistogram()
    const micros = decodeFromCompressedBase64(text, 64, false) as JsHistogram
    histogram.micros.add(micros)
    histogram.largestMs = micros.maxValue / 1000
    return histogram
  }

  /** HdrHistogram's V2 encoding, compressed, in base64: microseconds, as any of its libraries reads it. */
  encoded(): string {
    return encodeIntoCompressedBase64(this.micros)
  }

  /** Records filed. */
  get count(): number {
    return this.micros.totalCount
  }

  /** Records whose value was below zero; they are not in `count`. */
  get negative(): number {
    return this.below
  }

  /**
   * Files `count` records of `valueMs`, of which the slowest took `largestMs`.
   * @throws RangeError when a value is no number or infinite: that is an error in the caller, not a latency.
   */
  file(valueMs: number, count: number, largestMs = valueMs): void {
    if (!Number.isFinite(valueMs) || !Number.isFinite(largestMs)) {
      throw new RangeError(`a latency must be a finite number of milliseconds, not ${valueMs}`)
    }
    if (count <= 0) return
    const micros = Math.round(valueMs * 1000)
    if (micros < 0) {
      this.below += count
      return
    }
    this.micros.recordValueWithCount(micros, count)
    if (largestMs > this.largestMs) this.largestMs = largestMs
  }

  /** Adds another's records to these. */
  add(other: LatencyHistogram): void {
    if (other.micros.totalCount > 0) this.micros.add(other.micros)
    this.largestMs = Math.max(this.largestMs, other.largestMs)
    this.below += other.below
  }

  /**
   * The value that the share `q` (0..1) of the records does not exceed, in milliseconds, exact to three digits; the
   * largest is kept exactly. 0 when empty: ask `count` first.
   */
  quantile(q: number): number {
    if (this.count === 0) return 0
    if (q >= 1) return this.largestMs
    return Math.min(this.micros.getValueAtPercentile(q * 100) / 1000, this.largestMs)
  }

  /** Records that took `valueMs` or less, as exact as `quantile`. */
  within(valueMs: number): number {
    if (valueMs >= this.largestMs) return this.count
    const last = this.micros.countsArrayIndex(Math.round(valueMs * 1000))
    let count = 0
    for (let i = 0; i <= last && i < this.micros.countsArrayLength; i++) count += this.micros.getCountAtIndex(i)
    return count
  }

  /** The quantiles of the result document; undefined when nothing was filed. */
  quantiles(): Quantiles | undefined {
    if (this.count === 0) return undefined
    return {
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
      max: this.largestMs,
    }
  }
}
