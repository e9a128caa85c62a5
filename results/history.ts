/** Histories: what became of each target over the results of a folder, and when it moved to another level. */
import { storeOf } from './compare.js'
import { type Difference, subjectDifferences } from './differences.js'
import type { ReadResult } from './read.js'
import type { Durability, Run } from './result.js'
import { changePoints } from './statistics.js'
import { wasOverloaded } from './verdict.js'

export const historyMetrics = ['throughput', 'p99'] as const
export type HistoryMetric = (typeof historyMetrics)[number]

/** One document's part in a series: the geometric mean of its runs of the target. */
export interface HistoryPoint {
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly file: string
  /** Records per second, or milliseconds. */
  readonly value: number
  /** Throughput over the baseline measured in the same session; null when there was none. */
  readonly timesMeasured: number | null
  /** Of the latency leg; null for throughput. */
  readonly rate: number | null
}

/** Where the series moved to another level, beginning with this document. */
export interface HistoryChange {
  readonly createdAt: string
  readonly file: string
  /** Median of the level from here on over that of the one before. */
  readonly ratio: number
  readonly before: number
  readonly after: number
  /** How often chance alone would show as much. */
  readonly p: number
  /** What of target, options and build became other here, or in a document near by. */
  readonly subject: readonly Difference[]
  /** The document with which the subject changed; null when it did not. */
  readonly subjectFile: string | null
}

/** The results of one target, store, workload and environment in the order of time. */
export interface Series {
  readonly target: string
  readonly store: string
  readonly scenario: string
  readonly durability: Durability
  readonly records: number
  readonly workloadHash: string
  readonly environmentHash: string
  readonly metric: HistoryMetric
  readonly points: readonly HistoryPoint[]
  readonly changes: readonly HistoryChange[]
}

export interface History {
  readonly series: readonly Series[]
  /** Runs that are in no series, and why. */
  readonly leftOut: readonly { readonly file: string; readonly target: string; readonly reason: string }[]
}

/** Points below which no change can be significant: nine values have too few orders for less. */
export const leastHistory = 9

interface Entry extends ReadResult {
  readonly runs: [Run, ...Run[]]
}

/**
 * A series for each target, store, workload and environment. Damaged and unfinished runs are in none, nor are latencies of
 * an overloaded run; changes are found on logarithms, so that a doubling and a halving are as large as each other.
 * @param results in the order of time.
 */
export function histories(results: readonly ReadResult[], metric: HistoryMetric): History {
  const leftOut: { file: string; target: string; reason: string }[] = []
  const entries = new Map<string, Map<string, Entry>>()
  for (const { file, result } of results) {
    for (const run of result.runs) {
      const reason = whyNot(run, metric)
      if (reason !== undefined) {
        leftOut.push({ file, target: run.target, reason })
        continue
      }
      const key = JSON.stringify([run.target, storeOf(run, result.runs), run.workloadHash, run.environmentHash, run.durability])
      const documents = entries.get(key) ?? new Map<string, Entry>()
      entries.set(key, documents)
      const entry = documents.get(file)
      if (entry === undefined) documents.set(file, { file, result, runs: [run] })
      else entry.runs.push(run)
    }
  }
  const series = [...entries.values()].map((documents) => seriesOf([...documents.values()] as [Entry, ...Entry[]], metric))
  series.sort(
    (a, b) =>
      compareText(`${a.target} ${a.store} ${a.scenario}`, `${b.target} ${b.store} ${b.scenario}`) || b.points.length - a.points.length,
  )
  return { series, leftOut }
}

function whyNot(run: Run, metric: HistoryMetric): string | undefined {
  if (['failed', 'unsound', 'interrupted'].includes(run.verdict)) return `its verdict is ${run.verdict}`
  if (metric === 'throughput') return run.throughput.recordsPerSecond > 0 ? undefined : 'it stored nothing'
  if (wasOverloaded(run)) return 'it was overloaded: its latencies are those of a growing queue'
  return run.latency !== null && run.latency.p99 > 0 ? undefined : 'it has no latency leg'
}

function seriesOf(entries: readonly [Entry, ...Entry[]], metric: HistoryMetric): Series {
  const [{ runs, result }] = entries
  const [run] = runs
  const points = entries.map((entry) => pointOf(entry, metric))
  return {
    target: run.target,
    store: storeOf(run, result.runs),
    scenario: run.scenario,
    durability: run.durability,
    records: run.records,
    workloadHash: run.workloadHash,
    environmentHash: run.environmentHash,
    metric,
    points,
    changes: changesOf(entries, points),
  }
}

function changesOf(entries: readonly Entry[], points: readonly HistoryPoint[]): readonly HistoryChange[] {
  if (points.length < leastHistory) return []
  return changePoints(points.map(({ value }) => Math.log(value))).flatMap(({ index, before, after, p }) => {
    const here = entries[index]
    if (here === undefined) return []
    const { createdAt } = here.result
    const level = { ratio: Math.exp(after - before), before: Math.exp(before), after: Math.exp(after), p }
    return [{ createdAt, file: here.file, ...level, ...subjectChangeNear(entries, index) }]
  })
}

/** Noise may put a change a document or two beside its cause. */
const near = [0, 1, -1, 2, -2]

function subjectChangeNear(entries: readonly Entry[], index: number): Pick<HistoryChange, 'subject' | 'subjectFile'> {
  const placed = ({ runs: [run], result }: Entry) => ({ run, result })
  for (const distance of near) {
    const [before, after] = [entries[index + distance - 1], entries[index + distance]]
    if (before === undefined || after === undefined) continue
    const subject = subjectDifferences(placed(before), placed(after))
    if (subject.length > 0) return { subject, subjectFile: after.file }
  }
  return { subject: [], subjectFile: null }
}

function pointOf({ file, result, runs }: Entry, metric: HistoryMetric): HistoryPoint {
  const values = runs.map(({ throughput, latency }) => (metric === 'throughput' ? throughput.recordsPerSecond : (latency?.p99 ?? 0)))
  const times = runs.flatMap(({ throughput: { timesMeasured } }) => (timesMeasured !== null && timesMeasured > 0 ? [timesMeasured] : []))
  return {
    createdAt: result.createdAt,
    file,
    value: geometricMean(values),
    timesMeasured: times.length === 0 ? null : geometricMean(times),
    rate: metric === 'throughput' ? null : (runs[0].latency?.rate ?? null),
  }
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
