/** Made-up results for the tests beside this file; none of their figures was measured. */
import { published } from './published.js'
import { type Audit, type Latency, type Result, type Run, resultSchema } from './result.js'
import { meanInterval } from './statistics.js'

/** An audit that found nothing wrong with so many records; overridden by the given fields. */
export function sampleAudit(offered: number, different: Partial<Audit> = {}): Audit {
  const clean = { stored: offered, rejected: 0, excluded: 0, refused: 0, failed: 0, lost: 0, duplicated: 0, corrupted: 0, misplaced: 0 }
  return { offered, ...clean, ...different }
}

/** Latencies at a rate, with intervals. */
export function sampleLatency(rate: number, p50: number): Latency {
  const around = (value: number) => ({ low: value * 0.94, high: value * 1.05, confidence: 0.95 })
  const p99 = p50 * 4.2
  return { rate, p50, p90: p50 * 2, p99, p999: p50 * 6, max: p50 * 7.77, intervals: { p50: around(p50), p99: around(p99) } }
}

/** A run with blocks of the given speeds (records per second), as 10-second blocks; overridden by the given fields. */
export function sampleRun(target: string, speeds: readonly number[], different: Partial<Run> = {}): Run {
  const { mean, interval } = meanInterval(speeds)
  const records = Math.round(speeds.reduce((sum, speed) => sum + speed * 10, 0))
  return {
    target,
    store: 'postgres',
    scenario: 'steady',
    records,
    verdict: 'ok',
    durability: 'power',
    image: 'rows',
    throughput: {
      recordsPerSecond: mean,
      bytesPerSecond: mean * 240,
      timesPublished: mean / published.recordsPerSecond,
      timesMeasured: mean / 3120,
      interval,
    },
    latency: sampleLatency(mean * 0.7, 12.345),
    audit: sampleAudit(records),
    blocks: speeds.map((recordsPerSecond, index) => ({ index, records: recordsPerSecond * 10, elapsedMs: 10_000, recordsPerSecond })),
    latencyLeg: {
      rate: mean * 0.7,
      share: 0.7,
      seconds: 5,
      records: 500_000,
      backlogAtStart: 900,
      backlogAtEnd: 870,
      audit: sampleAudit(500_000),
    },
    bound: { by: 'machine', evidence: ['all cores together were 97% busy'], figures: { machineUtilisation: 0.97, diskBusyShare: null } },
    cpu: { generator: 0.4, target: { main: 4.1 }, store: 12.2, total: 16.7, generatorShare: 0.024, machineUtilisation: 0.97 },
    storeFacts: {
      version: '18.4',
      durability: 'power',
      settings: { fsync: 'on' },
      fsyncMs: 0.81,
      tables: [{ name: 'nginx_logfile_row', rows: records, bytes: records * 240 }],
    },
    workloadHash: 'a'.repeat(64),
    environmentHash: 'b'.repeat(64),
    subjectHash: 'c'.repeat(64),
    ...different,
  }
}

/** A result of these runs. */
export function sampleResult(runs: readonly Run[], different: Partial<Result> = {}): Result {
  return {
    schema: resultSchema,
    weir: { version: '0.1.0', build: 'd'.repeat(64) },
    createdAt: '2026-03-01T12:34:56.789Z',
    configuration: { records: 1_000_000, store: 'postgres' },
    machine: {
      cpuModel: 'Example CPU 2.5 GHz',
      cores: 2,
      memoryBytes: 8_000_000_000,
      os: 'linux 6.1.0',
      arch: 'x64',
      node: 'v20.19.0',
      filesystem: 'ext4',
    },
    published,
    baseline: {
      published: 622,
      measured: 3120,
      sample: 20_000,
      interval: { low: 3000, high: 3240, confidence: 0.95 },
      store: 'postgres',
      durability: 'power',
      audit: sampleAudit(20_000),
    },
    calibration: { nullRecordsPerSecond: 1_900_000 },
    runs,
    ...different,
  }
}
