/** Makes the result document of a run that k6 drove: an ordinary one, with what k6 itself says beside it. */
import type { SourceSpec } from '../../generators/source.js'
import { environmentHash, subjectHash, workloadHash } from '../../results/hashes.js'
import { published, publishedRecordsPerSecond } from '../../results/published.js'
import { rank } from '../../results/rank.js'
import type { Audit, Json, K6Report, Latency, Partition, Result, Run, Stage } from '../../results/result.js'
import { skewOf } from '../../results/skew.js'
import { blockOf, throughputOf } from '../../results/throughput.js'
import { judge } from '../../results/verdict.js'
import type { Layout } from '../../stores/store.js'
import type { Accounts } from '../accounts.js'
import type { AuditReport } from '../audit.js'
import { boundReport } from '../bound-report.js'
import { buildBaseline, sourceIdentity } from '../document.js'
import type { Span } from '../ledger.js'
import { describeBuild, describeMachine } from '../machine.js'
import type { Site } from '../site.js'
import type { K6Binary } from './binary.js'
import type { K6Fates } from './fates.js'
import type { LineMeasurements, QuestionMeasurements } from './measurements.js'
import type { K6Plan } from './plan.js'
import { type K6Outcome, k6Statuses } from './run-k6.js'
import type { RequestSchedule } from './schedule.js'

/** Lines on their way, and what became of them. */
export interface LineSide {
  readonly schedule: RequestSchedule
  readonly measurements: LineMeasurements
  readonly fates: K6Fates
}

export interface QuestionSide {
  readonly schedule: RequestSchedule
  readonly measurements: QuestionMeasurements
}

export interface K6Record {
  readonly plan: K6Plan
  readonly createdAt: Date
  readonly k6: K6Binary
  /** Lines were rendered beforehand, and k6's times are the wall clock's. */
  readonly rendered: boolean
  readonly outcome: K6Outcome
  readonly site: Site
  readonly layout: Layout
  readonly source: SourceSpec
  readonly meanLineBytes: number
  readonly lines: LineSide | undefined
  readonly questions: QuestionSide | undefined
  readonly accounts: Accounts
  readonly partitions: readonly Partition[]
  readonly objects: number
  /** From the start to the last record that was stored, or question that was answered. */
  readonly elapsedMs: number
  readonly audit: AuditReport | undefined
  readonly error: string | undefined
  readonly interrupted: boolean
}

const findingsKept = 100
/** Requests that may stay unsent before the rate counts as not kept. */
const unsentShare = 0.01

export async function buildK6Result(record: K6Record): Promise<Result> {
  const { plan, createdAt, site } = record
  const run = await buildRun(record)
  return {
    schema: 1,
    weir: describeBuild(),
    createdAt: createdAt.toISOString(),
    ...(plan.label === null ? {} : { label: plan.label }),
    configuration: configurationOf(plan),
    machine: describeMachine(site.server.embedded ? undefined : null),
    published,
    baseline: buildBaseline(undefined, null),
    calibration: { nullRecordsPerSecond: null },
    runs: [run],
    ranking: rank([run]),
  }
}

/** What was asked for, without the paths of the user's own machine. */
function configurationOf({
  script,
  values,
  store,
  dataDirectory,
  out,
  binary,
  stock,
  receiver,
  instances,
  processors,
  ...rest
}: K6Plan): Result['configuration'] {
  const plain = JSON.parse(JSON.stringify({ ...rest, receiver, instances, processors })) as { [option: string]: Json }
  return { ...plain, scenario: scenarioOf(script), parameters: parametersOf(values), store: store.name }
}

function scenarioOf({ name }: K6Plan['script']): string {
  return `k6/${name}`
}

/** What the workload is made of; a threshold is none of it. */
function parametersOf({ p99Ms, ...values }: K6Plan['values']): { readonly [name: string]: Json } {
  return { ...values }
}

async function buildRun(record: K6Record): Promise<Run> {
  const { plan, site, layout, audit, elapsedMs, partitions, error } = record
  const { lines, questions, outcome } = record
  const measured = lines ?? questions
  const atOnce = measured?.schedule.arrivals === 'at once'
  const planned = (measured?.schedule.planned ?? 0) * (measured?.schedule.each ?? 0)
  const stored = lines === undefined ? (questions?.measurements.figures().answered ?? 0) : (audit?.audit.stored ?? storedIn(lines))
  const blocks = elapsedMs > 0 ? [blockOf(0, stored, elapsedMs)] : []
  const throughput = throughputOf(blocks, {
    meanLineBytes: lines === undefined ? 0 : record.meanLineBytes,
    publishedRecordsPerSecond,
    measuredRecordsPerSecond: null,
  })
  const latency = latencyOf(record)
  const k6 = reportOf(record)
  const unsent = (k6.requests?.unsent ?? 0) + (k6.questions?.unsent ?? 0)
  const all = (lines?.schedule.planned ?? 0) + (questions?.schedule.planned ?? 0)
  const counted = auditOf(record)
  const { evidence, bound: _bound, ...used } = accountsOf(record, stored, throughput.recordsPerSecond)
  const { verdict, reasons } = judge({
    ...evidence,
    // Of what is due at once the throughput is a figure of full speed, and what k6 took of the machine is missing in it.
    givenRate: !atOnce,
    audit: counted,
    error,
    interrupted: record.interrupted,
    overloaded: unsent > all * unsentShare,
    // What k6 left unsent made everything behind it late, whoever's fault that was; and what is due at once waits for connections.
    lag:
      unsent > 0 || latency?.generatorLag === undefined || atOnce
        ? undefined
        : { offeredMs: latency.generatorLag.p99, storedMs: latency.p99 },
    firstFailure: firstFailureOf(k6),
    maxRejects: null,
    missedThresholds: outcome.status === k6Statuses.thresholds ? missedOf(k6) : [],
  })
  const image = lines === undefined ? 'replies' : 'rows'
  const target = lines === undefined ? 'analytics' : 'receiver'
  const options = optionsOf(plan)
  const { facts, durability, label, server } = site
  return {
    target,
    store: label,
    scenario: scenarioOf(plan.script),
    records: planned,
    verdict,
    reasons: unsent > 0 ? [...reasons, unsentIn(unsent)] : reasons,
    durability,
    image,
    // Questions are no records of the published system's.
    throughput: lines === undefined ? { ...throughput, timesPublished: 0 } : throughput,
    latency,
    audit: counted,
    findings: (audit?.findings ?? []).slice(0, findingsKept),
    options,
    blocks,
    accepted: lines === undefined ? stored : lines.fates.accepted,
    stored,
    ...used,
    ...(facts === undefined ? {} : { storeFacts: { ...facts, tables: [] } }),
    partitions,
    partitionSkew: skewOf(partitions),
    counters: { objects: record.objects },
    k6,
    ...(error === undefined ? {} : { error: { message: error } }),
    workloadHash: workloadHash({
      scenario: scenarioOf(plan.script),
      parameters: { ...parametersOf(plan.values), ...(lines === undefined ? { rows: plan.rows } : {}) },
      source: await sourceIdentity(record.source),
      records: planned,
      arrivals: measured?.schedule.arrivals ?? 'constant',
      latencyRate: measured === undefined ? null : { recordsPerSecond: measured.schedule.rate },
    }),
    environmentHash: environmentHash({
      machine: describeMachine(server.embedded ? undefined : null),
      store: server.store,
      storeVersion: facts?.version ?? 'unknown',
      durability,
      ...(record.rendered ? { clock: 'wall' } : {}),
    }),
    subjectHash: subjectHash({ target, options, image, layout, build: describeBuild().build }),
  }
}

function storedIn({ measurements: { recorder } }: LineSide): number {
  return recorder.count('stored') + recorder.outside('stored')
}

/** The receiver's; a service that only answers has none. */
function optionsOf({ script, receiver, instances, processors }: K6Plan): { readonly [option: string]: Json } {
  return script.sends === 'questions' ? {} : { ...receiver, instances, processors }
}

/** Records that were due and never sent were refused by k6 itself: they are offered, and not in the store. */
function auditOf({ audit, lines, questions }: K6Record): Audit | null {
  if (audit === undefined) return null
  if (lines === undefined) return questions === undefined ? null : repliesOf(questions, audit.audit)
  const { offered } = lines.fates.sent
  const beyond = lines.fates.unsent.filter(({ from }) => from >= offered.to).reduce((sum, { from, to }) => sum + to - from, 0)
  return { ...audit.audit, offered: audit.audit.offered + beyond, refused: audit.audit.refused + beyond }
}

/** Of questions: whether each had its reply, beside what is wrong with the rows that they were about. */
function repliesOf({ measurements }: QuestionSide, rows: Audit): Audit {
  const { asked, answered, failed, unsent } = measurements.figures()
  const { refused } = measurements
  const { lost, duplicated, corrupted, misplaced, unexpected } = rows
  return {
    offered: asked + lost,
    stored: answered,
    rejected: 0,
    excluded: 0,
    refused: refused + unsent,
    failed: failed - refused,
    lost,
    duplicated,
    corrupted,
    misplaced,
    unexpected,
  }
}

/** Headline: due to stored; of questions, due to answered. */
function latencyOf({ lines, questions }: K6Record): Latency | null {
  const side = lines ?? questions
  if (side === undefined) return null
  const { recorder, lag } = side.measurements
  const quantiles = recorder.quantiles('stored')
  if (quantiles === undefined) return null
  const accepted = recorder.quantiles('accepted')
  const durable = recorder.quantiles('durable')
  const stages = Object.fromEntries((['accepted', 'durable', 'stored'] as const).map((moment) => [moment, recorder.stage(moment)]))
  const max = lag.quantiles()?.max
  return {
    rate: side.schedule.rate,
    ...quantiles,
    count: recorder.count('stored'),
    intervals: { p50: recorder.interval('stored', 0.5) ?? null, p99: recorder.interval('stored', 0.99) ?? null },
    ...(accepted === undefined ? {} : { accepted }),
    ...(durable === undefined ? {} : { durable }),
    stages,
    ...(max === undefined ? {} : { generatorLag: { p99: lag.quantile(0.99), max } }),
  }
}

function reportOf({ k6, rendered, outcome, lines, questions }: K6Record): K6Report {
  const service: Stage | undefined = lines?.measurements.recorder.stage('service')
  return {
    version: k6.version,
    ...(lines === undefined ? {} : { bodies: rendered ? 'rendered' : 'extension' }),
    status: outcome.status,
    requests: lines === undefined ? null : requestsOf(lines),
    service: service ?? null,
    ...(questions === undefined ? {} : { questions: questions.measurements.figures() }),
    thresholds: Object.entries(outcome.summary?.metrics ?? {}).flatMap(([metric, { thresholds = {} }]) =>
      Object.entries(thresholds).map(([expression, { ok }]) => ({ metric, expression, ok })),
    ),
  }
}

/** From the ledger, not from metrics: an iteration that was cut short adds to none. */
function requestsOf({ schedule: { planned, each }, measurements, fates }: LineSide): NonNullable<K6Report['requests']> {
  const { accepted, refused } = measurements.requests
  const unsent = recordsOf(fates.unsent) / each
  return { planned, accepted, refused, failed: planned - accepted - refused - unsent, unsent, linesEach: each, unsentRecords: fates.unsent }
}

function recordsOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from, 0)
}

function missedOf({ thresholds }: K6Report): readonly string[] {
  const missed = thresholds
    .filter(({ ok }) => !ok)
    .map(({ metric, expression }) => `threshold of the script missed: ${metric} ${expression}`)
  return missed.length > 0 ? missed : ['a threshold of the script was missed']
}

function firstFailureOf({ requests }: K6Report): string | undefined {
  return requests !== null && requests.failed > 0 ? 'the receiver answered something else than 202, 429 or 503, or nothing' : undefined
}

function unsentIn(unsent: number): string {
  return `k6 dropped ${unsent.toLocaleString('en')} requests: every connection was waiting for an answer, or k6 had no time`
}

function accountsOf({ accounts, outcome, site, elapsedMs }: K6Record, stored: number, recordsPerSecond: number) {
  const { cpuSeconds } = outcome
  // It was gone before the accounts were closed, so that they have not seen it.
  if (cpuSeconds !== null) accounts.cpu.parts[generator] = { seconds: cpuSeconds, busiest: 0, waited: null, main: false, kind: 'process' }
  const measured = { accounts, connections: 0, elapsedMs, offerMs: 0, waits: undefined, ledger: { tally: { stored } }, spec: { site } }
  const report = boundReport(measured, {
    // Services are processes of their own: what Weir's own does is measuring.
    generatorCpuSeconds: cpuSeconds === null ? null : cpuSeconds + accounts.cpu.weir,
    nullRecordsPerSecond: null,
    recordsPerSecond,
    generatorLagP99Ms: null,
    paced: true,
  })
  const { [generator]: _k6, ...target } = report.cpu?.target ?? {}
  return { ...report, cpu: report.cpu && { ...report.cpu, target } }
}

const generator = 'k6'
