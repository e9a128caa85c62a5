/** Makes the result document of a session from what its contenders recorded. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { hashShares } from '../generators/hash-shares.js'
import type { Source, SourceSpec } from '../generators/source.js'
import { environmentHash, type FileIdentity, type StreamIdentity, subjectHash, type Workload, workloadHash } from '../results/hashes.js'
import type { LatencyHistogram } from '../results/histogram.js'
import { published, publishedRecordsPerSecond } from '../results/published.js'
import { rank } from '../results/rank.js'
import { moments, type Recorder } from '../results/recorder.js'
import { summaries } from '../results/repetitions.js'
import type { Audit, Baseline, Finding, Interval, Json, Latency, LatencyLeg, Result, Run } from '../results/result.js'
import { skewOf } from '../results/skew.js'
import { shortestSeries, steadyState } from '../results/statistics.js'
import { rateInterval, throughputOf } from '../results/throughput.js'
import { judge } from '../results/verdict.js'
import { parseArrivals } from './arrivals/words.js'
import type { AuditReport } from './audit.js'
import { arrangements, type Beside } from './beside.js'
import { boundReport } from './bound-report.js'
import type { Contender } from './contender.js'
import type { BlockOutcome } from './driver.js'
import type { LatencyLayout } from './latency-plan.js'
import { describeBuild, describeMachine } from './machine.js'
import type { Plan, PlannedTarget } from './plan.js'
import type { Site } from './site.js'

/** A contender's part in the session: a run, the baseline, or the null calibration; a run has a second contender for its latency leg. */
export interface Entry {
  readonly role: 'run' | 'baseline' | 'null'
  readonly planned: PlannedTarget
  readonly site: Site
  /** Of a run: its number among those of the same target and store, from 1. */
  readonly repetition?: number
  readonly throughput: Contender
  latency: Contender | undefined
  /** The analytics side beside it, when that was asked for. */
  beside?: Beside | undefined
  latencyPlan: LatencyPlan | undefined
}

export interface LatencyPlan extends LatencyLayout {
  readonly recorders: Recorder[]
  readonly outcomes: BlockOutcome[]
}

export interface SessionRecord {
  readonly plan: Plan
  readonly createdAt: Date
  readonly entries: readonly Entry[]
  readonly source: Source
  /** CPU seconds of the generator per record; null when it could not be measured. */
  readonly generatorCpu: number | null
  /** What the order of the blocks was drawn with. */
  readonly orderSeed: number
}

/** Findings kept in the document; the counts are whole in any case. */
const findingsKept = 100
/** Records that shares by hash are taken from at the most: more would only cost time. */
const sharesFrom = 500_000

export async function buildResult(session: SessionRecord): Promise<Result> {
  const { plan, entries, createdAt } = session
  const nullEntry = entries.find((entry) => entry.role === 'null')
  const baselineEntry = entries.find((entry) => entry.role === 'baseline')
  const nullRate = nullEntry === undefined ? null : rateOf(nullEntry.throughput)
  const baselineRate = baselineEntry === undefined ? null : rateOf(baselineEntry.throughput)
  const identity = await sourceIdentity(session.source.spec)
  const runs: Run[] = []
  for (const entry of entries) if (entry.role === 'run') runs.push(await buildRun(session, entry, { nullRate, baselineRate, identity }))
  const nullInterval = nullEntry && intervalOf(nullEntry.throughput)
  return {
    schema: 1,
    weir: describeBuild(),
    createdAt: createdAt.toISOString(),
    ...(plan.label === null ? {} : { label: plan.label }),
    configuration: { ...configurationOf(plan), orderSeed: session.orderSeed },
    machine: describeMachine(entries.some(({ role, site }) => role === 'run' && site.server.embedded) ? undefined : null),
    published,
    baseline: buildBaseline(baselineEntry, baselineRate),
    calibration: {
      nullRecordsPerSecond: nullRate,
      ...(nullInterval ? { interval: nullInterval } : {}),
      blocks: nullEntry?.throughput.blocks ?? [],
    },
    runs,
    ...(runs.some(({ repetition }) => repetition !== undefined) ? { together: summaries(runs) } : {}),
    ranking: rank(runs),
  }
}

/** What the plan asked for, as plain JSON; the paths of the user's own machine stay out, so that a document can be committed. */
export function configurationOf(plan: Plan): { readonly [option: string]: Json } {
  const { dataDirectory, out, exportRejects, input, ...rest } = plan
  const plain = JSON.parse(JSON.stringify(rest)) as { [option: string]: Json }
  return {
    ...plain,
    input: input === null ? null : 'file',
    dataDirectory: dataDirectory === null ? null : 'given',
    exportRejects: exportRejects !== null,
  }
}

/** Stored records per second over all blocks, drains included; null when nothing was stored. */
export function rateOf(contender: Contender): number | null {
  const stored = contender.blocks.reduce((sum, block) => sum + block.records, 0)
  const elapsed = contender.blocks.reduce((sum, block) => sum + block.elapsedMs, 0)
  return stored > 0 && elapsed > 0 ? (stored * 1000) / elapsed : null
}

export function intervalOf(contender: Contender): Interval | null {
  const rate = rateOf(contender)
  return rate === null ? null : rateInterval(contender.blocks, rate)
}

export function buildBaseline(entry: Entry | undefined, measured: number | null): Baseline {
  if (entry === undefined) return { published: publishedRecordsPerSecond, measured, sample: 0 }
  const { throughput } = entry
  const interval = intervalOf(throughput)
  return {
    published: publishedRecordsPerSecond,
    measured,
    sample: throughput.ledger.offered,
    ...(interval === null ? {} : { interval }),
    blocks: throughput.blocks,
    audit: auditOf(throughput.audit),
    durability: entry.site.durability,
    store: entry.site.label,
  }
}

interface Yardsticks {
  readonly nullRate: number | null
  readonly baselineRate: number | null
  readonly identity: StreamIdentity | FileIdentity
}

async function buildRun(session: SessionRecord, entry: Entry, { nullRate, baselineRate, identity }: Yardsticks): Promise<Run> {
  const { plan } = session
  const { throughput, latency, latencyPlan, site } = entry
  const { server, durability, facts } = site
  const { ledger } = throughput
  const rate = rateOf(throughput) ?? 0
  const generatorCpu = session.generatorCpu === null ? null : session.generatorCpu * ledger.offered
  const besides = entry.beside === undefined ? [] : arrangements.map((arrangement) => entry.beside?.options.contenders[arrangement])
  const all = [throughput, latency, ...besides].filter((contender) => contender !== undefined)
  const error = firstOf(all, (contender) => contender.error) ?? firstOf(all, ledgerError)
  const audits = {
    audit: auditOf(throughput.audit),
    latencyAudit: auditOf(latency?.audit),
    otherAudits: besides.flatMap((contender) => (contender?.audit === undefined ? [] : [contender.audit.audit])),
  }
  const lagP99 = latency !== undefined && latency.lag.count > 0 ? latency.lag.quantile(0.99) : null
  const { evidence, ...accounts } = boundReport(throughput, {
    generatorCpuSeconds: generatorCpu,
    nullRecordsPerSecond: nullRate,
    recordsPerSecond: rate,
    generatorLagP99Ms: lagP99,
  })
  const measured = latencyPlan === undefined || latency === undefined ? null : latencyOf(latencyPlan, latency)
  const { verdict, reasons } = judge({
    lag: measured === null || lagP99 === null ? undefined : { offeredMs: lagP99, storedMs: measured.p99 },
    ...evidence,
    ...audits,
    error: error?.message,
    firstFailure: ledger.firstFailure ?? latency?.ledger.firstFailure,
    interrupted: all.some((contender) => contender.interrupted || unaudited(contender)),
    overloaded: latencyPlan !== undefined && overloaded(latencyPlan),
    maxRejects: plan.maxRejects,
  })
  const image = throughput.spec.module.image(throughput.spec.options)
  const imageName = image.kind === 'rows' ? (image.keeps === 'all' ? 'rows' : `rows (${image.keeps})`) : image.kind
  const { partitions, deferred } = await throughput.note()
  const counters = throughput.counters
  const { copiedBytes, copiedRecords, ...ownCounters } = counters
  const stored = ledger.tally.stored
  const findings = [...findingsOf(throughput.audit, 'throughput'), ...findingsOf(latency?.audit, 'latency')].slice(0, findingsKept)
  const options = throughput.spec.options as { readonly [option: string]: Json }
  return {
    target: throughput.name,
    store: site.label,
    ...(plan.repetitions > 1 ? { repetition: entry.repetition ?? 1 } : {}),
    scenario: plan.scenario,
    records: ledger.offered,
    verdict,
    reasons,
    durability,
    image: imageName,
    throughput: throughputOf(throughput.blocks, {
      meanLineBytes: ledger.offered === 0 ? 0 : throughput.offeredBytes / ledger.offered,
      publishedRecordsPerSecond,
      measuredRecordsPerSecond: baselineRate,
    }),
    latency: measured,
    audit: audits.audit,
    findings,
    options,
    blocks: throughput.blocks,
    ...(latencyPlan === undefined || latency === undefined ? {} : { latencyLeg: legOf(latencyPlan, latency) }),
    stored,
    ...accounts,
    copiedBytesPerRecord: copiedBytesPerRecord(throughput, copiedBytes, copiedRecords),
    ...(facts === undefined
      ? {}
      : { storeFacts: { ...facts, tables: facts.tables.filter((table) => table.name.startsWith(throughput.spec.address.schema)) } }),
    partitions,
    partitionSkew: skewOf(partitions),
    ...(await hashSharesOf(session, throughput)),
    ...eventsOf(throughput, latency),
    counters: ownCounters,
    visibility: latency?.visibility ?? throughput.visibility,
    ...(entry.beside === undefined ? {} : { analytics: entry.beside.report() }),
    ...(deferred === undefined ? {} : { deferred }),
    ...(error === undefined ? {} : { error: { message: error.message } }),
    workloadHash: workloadHash({
      scenario: plan.scenario,
      ...(Object.keys(plan.parameters).length === 0 ? {} : { parameters: { ...plan.parameters } }),
      source: identity,
      records: plan.length?.kind === 'duration' ? plan.length.durationMs : ledger.offered,
      arrivals: plan.arrivals,
      latencyRate: latencyRateOf(plan),
    }),
    environmentHash: environmentHash({
      machine: describeMachine(server.embedded ? undefined : null),
      store: server.store,
      storeVersion: facts?.version ?? 'unknown',
      durability,
    }),
    subjectHash: subjectHash({
      target: throughput.name,
      options,
      image: imageName,
      layout: throughput.spec.address.layout,
      build: describeBuild().build,
    }),
  }
}

/** How the latency leg's rate was set; that of a recorded log is in the words for its arrivals. */
function latencyRateOf({ latencyLeg, arrivals, rate, rateShare }: Plan): Workload['latencyRate'] {
  if (!latencyLeg || parseArrivals(arrivals).kind === 'replay') return null
  return rate === null ? { share: rateShare } : { recordsPerSecond: rate }
}

/** A target that settles a record twice, or one that it was never offered, cannot be believed. */
function firstOf<T, R>(items: readonly T[], pick: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = pick(item)
    if (found !== undefined) return found
  }
  return undefined
}

/** It was told to stop before what it left was read back: an audit that fails leaves an error. */
export function unaudited({ store, ledger, audit, error }: Pick<Contender, 'store' | 'ledger' | 'audit' | 'error'>): boolean {
  return store.scanner !== undefined && ledger.offered > 0 && audit === undefined && error === undefined
}

export function ledgerError({ name, ledger }: Contender): Error | undefined {
  if (ledger.settledTwice === 0 && ledger.neverOffered === 0) return undefined
  return new Error(
    `${name} settled ${ledger.settledTwice} records twice and ${ledger.neverOffered} that were never offered: its figures cannot be believed`,
  )
}

/** The driver copies a line once, out of the renderer's memory into the chunk; the target says how often it copies it again. */
function copiedBytesPerRecord(contender: Contender, bytes: number | undefined, records: number | undefined): number | null {
  const { offered } = contender.ledger
  if (bytes === undefined || records === undefined || records === 0 || offered === 0) return null
  return contender.offeredBytes / offered + bytes / records
}

/**
 * The backlog grew by more than a tenth of what came due in the window, so the rate was not kept; a backlog below a
 * quarter of a second's records is a batch under way, not a queue.
 */
function overloaded({ rate, blockMs, warmMs, outcomes }: LatencyPlan): boolean {
  const dueInWindow = (rate * (blockMs - warmMs)) / 1000
  return outcomes.some(({ backlogAtStart, backlogAtEnd }) => backlogAtEnd - backlogAtStart > dueInWindow / 10 && backlogAtEnd > rate / 4)
}

function latencyOf({ rate, recorders }: LatencyPlan, contender: Contender): Latency | null {
  const [first, ...others] = recorders
  if (first === undefined) return null
  for (const other of others) first.merge(other)
  recorders.length = 1
  const quantiles = first.quantiles('stored')
  if (quantiles === undefined) return null
  const accepted = first.quantiles('accepted')
  const durable = first.quantiles('durable')
  const service = first.quantiles('service')
  const lag = contender.lag
  const visible = contender.probe?.stage()
  const stages = Object.fromEntries(moments.flatMap((moment) => [[moment, first.stage(moment)]]))
  return {
    rate,
    ...quantiles,
    count: first.count('stored'),
    intervals: { p50: first.interval('stored', 0.5) ?? null, p99: first.interval('stored', 0.99) ?? null },
    ...(accepted === undefined ? {} : { accepted }),
    ...(durable === undefined ? {} : { durable }),
    ...(service === undefined ? {} : { serviceTime: service }),
    ...settling(first),
    stages: { ...stages, ...(visible === undefined ? {} : { visible }) },
    ...(lag.count === 0 ? {} : { generatorLag: { p99: lag.quantile(0.99), max: maximum(lag) } }),
  }
}

/** From when on latency was level, where the leg was long enough to tell. */
function settling(recorder: Recorder): Pick<Latency, 'settledAfterMs'> {
  const { series = [], bucketMs = 0 } = recorder.stage('stored') ?? {}
  if (series.length < shortestSeries) return {}
  const { warmup, settled } = steadyState(series.map(({ p50 }) => p50))
  return { settledAfterMs: settled ? warmup * bucketMs : null }
}

function maximum(histogram: LatencyHistogram): number {
  return histogram.quantiles()?.max ?? 0
}

function legOf(plan: LatencyPlan, contender: Contender): LatencyLeg {
  const { rate, share, blockMs, warmMs, outcomes } = plan
  const mean = (pick: (outcome: BlockOutcome) => number) =>
    Math.round(outcomes.reduce((total, outcome) => total + pick(outcome), 0) / Math.max(1, outcomes.length))
  return {
    rate,
    share,
    seconds: ((blockMs - warmMs) * outcomes.length) / 1000,
    warmupSeconds: (warmMs * outcomes.length) / 1000,
    records: contender.ledger.offered,
    backlogAtStart: mean((outcome) => outcome.backlogAtStart),
    backlogAtEnd: mean((outcome) => outcome.backlogAtEnd),
    overloaded: overloaded(plan),
    audit: auditOf(contender.audit),
  }
}

function auditOf(report: AuditReport | undefined): Audit | null {
  return report === undefined ? null : report.audit
}

function findingsOf(report: AuditReport | undefined, leg: 'throughput' | 'latency'): Finding[] {
  return (report?.findings ?? []).map((finding) => ({ ...finding, leg }))
}

/** What the records depend on: of a file, its content. */
export async function sourceIdentity(spec: SourceSpec): Promise<StreamIdentity | FileIdentity> {
  if (spec.kind === 'stream') {
    const { profile, seed, format, startMs, recordsPerDay, late, hot } = spec
    return { kind: 'stream', profile, seed, format, startMs, recordsPerDay, late, hot }
  }
  const hash = createHash('sha256')
  await pipeline(createReadStream(spec.path), hash)
  return { kind: 'file', format: spec.format, sha256: hash.digest('hex') }
}

/** Where the scenario skews a column: what each hash partition got, computed from the records offered. */
async function hashSharesOf({ plan, source }: SessionRecord, { ledger }: Contender): Promise<Pick<Run, 'hashShares'>> {
  if (source.spec.kind !== 'stream' || source.spec.hot === undefined || ledger.offered === 0) return {}
  const { key } = source.spec.hot
  const range = { first: ledger.first, count: Math.min(ledger.offered, sharesFrom) }
  return { hashShares: { key, shares: await hashShares(source, [range], key, plan.partitions) } }
}

function eventsOf(throughput: Contender, latency: Contender | undefined): Pick<Run, 'events' | 'disturbance'> {
  if (throughput.retention === undefined) return {}
  const legs = { throughput: throughput.retention, latency: latency?.retention }
  return {
    events: [...legs.throughput.events('throughput'), ...(legs.latency?.events('latency') ?? [])],
    disturbance: {
      throughput: legs.throughput.disturbance(),
      ...(legs.latency === undefined ? {} : { latency: legs.latency.disturbance() }),
    },
  }
}
