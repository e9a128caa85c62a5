/** Throughput of a full-speed leg from its blocks, with its spread and its two ratios. */
import type { Throughput, ThroughputBlock } from './result.js'
import { meanInterval } from './statistics.js'

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
 * All records over all time; around it the t-interval of the blocks' rates, never below zero, null with fewer than two
 * blocks. Zeros without blocks: nothing was stored.
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
    interval: blockInterval(blocks, recordsPerSecond),
  }
}

/** The interval of the blocks' mean rate, moved to the overall rate: blocks of different lengths weigh differently in it. */
function blockInterval(blocks: readonly ThroughputBlock[], recordsPerSecond: number): Throughput['interval'] {
  if (blocks.length < 2) return null
  const { mean, interval } = meanInterval(blocks.map((block) => block.recordsPerSecond))
  if (!interval || !(mean > 0)) return null
  const { low, high, confidence } = interval
  return { low: Math.max(0, recordsPerSecond + low - mean), high: recordsPerSecond + high - mean, confidence }
}

/** A block as it is kept: what was stored in how much time. */
export function blockOf(index: number, records: number, elapsedMs: number): ThroughputBlock {
  return { index, records, elapsedMs, recordsPerSecond: elapsedMs > 0 ? (1000 * records) / elapsedMs : 0 }
}
