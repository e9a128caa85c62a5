/** Several runs of the same target on the same store as one: what tables and rankings show of a session that repeated them. */
import { addAudits } from './add-audits.js'
import { type Interval, type Latency, type Run, type RunsTogether, type Verdict, verdicts } from './result.js'
import { meanInterval } from './statistics.js'

/** Worst last: a repeated run is as good as its worst repetition. */
const worstLast: readonly Verdict[] = ['ok', ...verdicts.filter((verdict) => verdict !== 'ok')]

/**
 * One run for each target and store, in the order of their first ones. Rates and quantiles are means over the repetitions,
 * with Student's interval over them: each ran on tables of its own, so they are independent but for the machine they
 * share. Audits are added up, and the verdict is the worst of them. A run that was not repeated stays as it is.
 */
export function together(runs: readonly Run[]): readonly Run[] {
  return groups(runs).map((group) => merge(group))
}

/** What the document says of each target and store that ran several times. */
export function summaries(runs: readonly Run[]): readonly RunsTogether[] {
  return groups(runs).map((group) => {
    const { target, store, throughput, latency, verdict } = merge(group)
    const { recordsPerSecond, interval = null } = throughput
    const quantiles =
      latency === null ? null : { rate: latency.rate, p50: latency.p50, p99: latency.p99, intervals: latency.intervals ?? null }
    return { target, store, runs: group.length, verdict, recordsPerSecond, interval, latency: quantiles }
  })
}

/** Half the width of an interval over its middle; infinite where there is none. */
export function halfWidth(value: number, interval: Interval | null | undefined): number {
  return interval && value > 0 ? (interval.high - interval.low) / 2 / value : Number.POSITIVE_INFINITY
}

function groups(runs: readonly Run[]): readonly (readonly [Run, ...Run[]])[] {
  const found = new Map<string, [Run, ...Run[]]>()
  for (const run of runs) {
    const key = JSON.stringify([run.target, run.store])
    const group = found.get(key)
    if (group === undefined) found.set(key, [run])
    else group.push(run)
  }
  return [...found.values()].map(finished)
}

/** Of a session that was cut short those that came to their end, when there are any. */
function finished(group: readonly [Run, ...Run[]]): readonly [Run, ...Run[]] {
  const [first, ...others] = group.filter(({ verdict }) => verdict !== 'interrupted')
  return first === undefined ? group : [first, ...others]
}

function merge(group: readonly [Run, ...Run[]]): Run {
  const [first] = group
  if (group.length === 1) return first
  // A repetition that stored nothing has no rate; what became of it is in the verdict.
  const measured = group.filter(({ throughput }) => throughput.recordsPerSecond > 0)
  const mean = (pick: (run: Run) => number) => average(measured.map(pick))
  const rates = measured.map(({ throughput }) => throughput.recordsPerSecond)
  const timesMeasured = measured.flatMap(({ throughput }) => throughput.timesMeasured ?? [])
  const worst = group.reduce((a, b) => (worstLast.indexOf(b.verdict) > worstLast.indexOf(a.verdict) ? b : a))
  return {
    ...first,
    records: sum(group.map(({ records }) => records)),
    verdict: worst.verdict,
    reasons: [...new Set(group.flatMap(({ reasons }) => reasons ?? []))],
    throughput: {
      recordsPerSecond: average(rates),
      bytesPerSecond: mean(({ throughput }) => throughput.bytesPerSecond),
      timesPublished: mean(({ throughput }) => throughput.timesPublished),
      timesMeasured: timesMeasured.length === 0 ? null : average(timesMeasured),
      interval: around(rates),
    },
    latency: latencyOf(group.flatMap(({ latency }) => latency ?? [])),
    audit: addAudits(group.map(({ audit }) => audit)),
    findings: group.flatMap(({ findings }) => findings ?? []),
    blocks: group.flatMap(({ blocks }) => blocks ?? []),
    ...(first.latencyLeg === undefined
      ? {}
      : { latencyLeg: { ...first.latencyLeg, audit: addAudits(group.map(({ latencyLeg }) => latencyLeg?.audit ?? null)) } }),
    ...(worst.error === undefined ? {} : { error: worst.error }),
  }
}

function latencyOf(latencies: readonly Latency[]): Latency | null {
  const [first] = latencies
  if (first === undefined) return null
  const mean = (pick: (latency: Latency) => number) => average(latencies.map(pick))
  return {
    rate: mean(({ rate }) => rate),
    p50: mean((latency) => latency.p50),
    p90: mean((latency) => latency.p90),
    p99: mean((latency) => latency.p99),
    p999: mean((latency) => latency.p999),
    max: Math.max(...latencies.map(({ max }) => max)),
    intervals: { p50: around(latencies.map(({ p50 }) => p50)), p99: around(latencies.map(({ p99 }) => p99)) },
  }
}

function around(values: readonly number[]): Interval | null {
  if (values.length < 2) return null
  const { interval } = meanInterval(values)
  return interval && { ...interval, low: Math.max(0, interval.low) }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length
}
