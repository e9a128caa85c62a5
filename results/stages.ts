/** How late records reached a stage, as a histogram and second by second: what the document keeps of each. */
import { LatencyHistogram } from './histogram.js'
import type { Stage, StageBucket } from './result.js'

/** Length of a bucket, until there are too many of them. */
const bucketMs = 1000
/** More would only fill the document: then two and two become one. */
const mostBuckets = 600
/** Digits of a bucket's quantiles: it is there to be looked at. */
const bucketDigits = 2

/** Latencies of one stage by when the records were due. */
export class StageSeries {
  private lengthMs = bucketMs
  private buckets: LatencyHistogram[] = []

  /** Files `count` records that were due `dueMs` after the window began. */
  file(dueMs: number, valueMs: number, count: number, largestMs: number): void {
    let at = Math.floor(dueMs / this.lengthMs)
    while (at >= mostBuckets) {
      this.coarsen()
      at = Math.floor(dueMs / this.lengthMs)
    }
    while (this.buckets.length <= at) this.buckets.push(new LatencyHistogram(bucketDigits))
    this.buckets[at]?.file(valueMs, count, largestMs)
  }

  /** Adds what another series of a window of the same length filed. */
  add(other: StageSeries): void {
    while (this.lengthMs < other.lengthMs) this.coarsen()
    for (const [i, bucket] of other.buckets.entries()) {
      const at = Math.floor((i * other.lengthMs) / this.lengthMs)
      while (this.buckets.length <= at) this.buckets.push(new LatencyHistogram(bucketDigits))
      this.buckets[at]?.add(bucket)
    }
  }

  /** Length of the buckets, and each of them that is not empty at its beginning. */
  report(): { readonly bucketMs: number; readonly series: readonly StageBucket[] } {
    const series = this.buckets.flatMap((bucket, i) => {
      const quantiles = bucket.quantiles()
      return quantiles === undefined
        ? []
        : [{ fromMs: i * this.lengthMs, count: bucket.count, p50: quantiles.p50, p99: quantiles.p99, max: quantiles.max }]
    })
    return { bucketMs: this.lengthMs, series }
  }

  private coarsen(): void {
    const finer = this.buckets
    this.lengthMs *= 2
    this.buckets = []
    for (const [i, bucket] of finer.entries()) {
      const coarser = this.buckets[i >> 1]
      if (coarser === undefined) this.buckets.push(bucket)
      else coarser.add(bucket)
    }
  }
}

/** A stage for the document; undefined when nothing reached it. */
export function stageOf(histogram: LatencyHistogram, series: StageSeries): Stage | undefined {
  const quantiles = histogram.quantiles()
  if (quantiles === undefined) return undefined
  return { count: histogram.count, negative: histogram.negative, ...quantiles, ...series.report(), histogram: histogram.encoded() }
}
