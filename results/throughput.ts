/** Throughput of a full-speed leg from its blocks, with its spread and its two ratios. */
import type { Interval, Throughput, ThroughputBlock } from './result.js'
import { seriesMean } from './statistics.js'

/** What throughput is compared with and converted by. */
export interface Yardsticks {
  /** Mean bytes of a line, newline included. */
  readonly meanLineBytes: number
  /** 622 records/s. */
  readonly publishedRecordsPerSecond: number
  /** The baseline measured in this session; null when there is none. */
  readonly measuredRecordsPerSecond: number | null
}

/**
 * All records over all time, with an interval round it (see `rateInterval`), null where there is none. Zeros without
 * blocks: nothing was stored.
 */
export function throughputOf(blocks: readonly ThroughputBlock[], yardsticks: Yardsticks): Throughput {
  const records = blocks.reduce((sum, block) => sum + block.records, 0)
  const elapsedMs = blocks.reduce((sum, block) => sum + block.elapsedMs, 0)
  const recordsPerSecond = elapsedMs > 0 ? (1000 * records) / elapsedMs : 0
  const { measuredRecordsPerSecond: measured } = yardsticks
  return {
    recordsPerSecond,
    bytesPerSecond: recordsPerSecond * yardsticks.meanLineBytes,
    timesPublished: recordsPerSecond / yardsticks.publishedRecordsPerSecond,
    timesMeasured: measured === null || !(measured > 0) ? null : recordsPerSecond / measured,
    interval: rateInterval(blocks, recordsPerSecond),
  }
}

/**
 * 95% interval of the rate: Student's interval of the mean logarithm of the blocks' rates, laid round the overall rate. Noise
 * multiplies, so logarithms are closer to normal than rates are, and no end lies below zero. With ten blocks or more it
 * widens as far as neighbouring blocks resemble each other (`seriesMean`). Null with fewer than two blocks, or when a block
 * stored nothing. Covers the true rate in 93 to 96 of 100 simulated runs of 4 to 20 blocks (docs/adr/0016-intervals.md).
 */
export function rateInterval(blocks: readonly ThroughputBlock[], recordsPerSecond: number): Interval | null {
  if (blocks.length < 2 || blocks.some((block) => !(block.recordsPerSecond > 0))) return null
  const { mean, interval } = seriesMean(blocks.map((block) => Math.log(block.recordsPerSecond)))
  if (!interval) return null
  const around = (log: number) => recordsPerSecond * Math.exp(log - mean)
  return { low: around(interval.low), high: around(interval.high), confidence: interval.confidence }
}

/** A block as it is kept: what was stored in how much time. */
export function blockOf(index: number, records: number, elapsedMs: number): ThroughputBlock {
  return { index, records, elapsedMs, recordsPerSecond: elapsedMs > 0 ? (1000 * records) / elapsedMs : 0 }
}
