/** Makes the document of a capacity session from what its soundings left. */
import type { Source } from '../../generators/source.js'
import { addAudits } from '../../results/add-audits.js'
import { conditions } from '../../results/capacity/decision.js'
import type { Capacity, CapacityResult, Probe } from '../../results/capacity/report.js'
import { environmentHash, hashOf, subjectHash, workloadHash } from '../../results/hashes.js'
import { published, publishedRecordsPerSecond } from '../../results/published.js'
import type { BoundFinding, Json, Verdict } from '../../results/result.js'
import { judge } from '../../results/verdict.js'
import type { TargetModule } from '../../targets/target.js'
import { boundReport, totalCpu } from '../bound-report.js'
import type { Contender } from '../contender.js'
import { buildBaseline, configurationOf, intervalOf, ledgerError, rateOf, sourceIdentity } from '../document.js'
import { describeBuild, describeMachine } from '../machine.js'
import type { PlannedTarget } from '../plan.js'
import type { Site } from '../site.js'
import type { CapacityPlan } from './plan.js'
import type { Sounding } from './sounding.js'
import { describeTables } from './tables.js'

/** A sounding, and of what. */
export interface Sounded {
  readonly module: TargetModule
  readonly planned: PlannedTarget
  readonly site: Site
  readonly sounding: Sounding
}

export interface CapacityRecord extends CapacityPlan {
  readonly createdAt: Date
  readonly sounded: readonly Sounded[]
  readonly source: Source
  /** CPU seconds of the generator per record; null when it could not be measured. */
  readonly generatorCpu: number | null
  readonly calibration: Contender
  readonly baseline: Contender | undefined
  /** It was told to stop. */
  readonly interrupted: boolean
}

const findingsKept = 100

export async function buildCapacityResult(record: CapacityRecord): Promise<CapacityResult> {
  const { plan, limitMs, precision, budgetMs, sounded, calibration, baseline } = record
  const nullInterval = intervalOf(calibration)
  const { length, rate, rateShare, latencyLeg, repetitions, until, analyticsRate, ...configuration } = configurationOf(plan)
  const capacities: Capacity[] = []
  for (const each of sounded) capacities.push(await buildCapacity(record, each))
  return {
    schema: 1,
    kind: 'capacity',
    weir: describeBuild(),
    createdAt: record.createdAt.toISOString(),
    ...(plan.label === null ? {} : { label: plan.label }),
    configuration: { ...configuration, p99Ms: limitMs, precision, budgetMs },
    machine: describeMachine(sounded.some(({ site }) => site.server.embedded) ? undefined : null),
    published,
    baseline: buildBaseline(
      baseline && {
        role: 'baseline',
        planned: { name: baseline.name, options: {}, asked: [] },
        site: baseline.spec.site,
        throughput: baseline,
        latency: undefined,
        latencyPlan: undefined,
      },
      baseline === undefined ? null : rateOf(baseline),
    ),
    calibration: {
      nullRecordsPerSecond: rateOf(calibration),
      ...(nullInterval === null ? {} : { interval: nullInterval }),
      blocks: calibration.blocks,
    },
    capacities,
  }
}

async function buildCapacity(record: CapacityRecord, { module, planned, site, sounding }: Sounded): Promise<Capacity> {
  const { plan, limitMs, precision, baseline } = record
  const { groups, probes, fullSpeed, end, estimate } = sounding
  const { capacity } = sounding
  const measured = baseline === undefined ? null : rateOf(baseline)
  const contenders = groups.map(({ contender }) => contender)
  const options = (contenders[0]?.spec.options ?? planned.options) as { readonly [option: string]: Json }
  const image = module.image(contenders[0]?.spec.options ?? planned.options)
  const imageName = image.kind === 'rows' ? (image.keeps === 'all' ? 'rows' : `rows (${image.keeps})`) : image.kind
  const located = capacity !== null && estimate !== undefined && !['always', 'generator'].includes(end)
  const { verdict, reasons } = verdictOf(record, sounding, capacity)
  const error = sounding.error ?? contenders.map(troubleOf).find((trouble) => trouble !== undefined)
  return {
    target: module.name,
    store: site.label,
    scenario: plan.scenario,
    durability: site.durability,
    image: imageName,
    options,
    verdict,
    reasons,
    limit: { p99Ms: limitMs },
    precision,
    end,
    recordsPerSecond: capacity,
    interval: located ? estimate.interval : null,
    softness: located ? estimate.softness : null,
    timesPublished: capacity === null ? null : capacity / publishedRecordsPerSecond,
    timesMeasured: capacity === null || measured === null ? null : capacity / measured,
    fullSpeed,
    broke: brokeAbove(probes, capacity ?? 0),
    bound: boundOf(record, sounding),
    latencies: sounding.latencies,
    probes,
    groups: groups.map(describeTables),
    audit: addAudits(contenders.flatMap(({ audit }) => (audit === undefined ? [] : [audit.audit]))),
    findings: contenders.flatMap(({ audit }) => audit?.findings ?? []).slice(0, findingsKept),
    ...(error === undefined ? {} : { error: { message: error.message } }),
    workloadHash: hashOf({
      workload: workloadHash({
        scenario: plan.scenario,
        ...(Object.keys(plan.parameters).length === 0 ? {} : { parameters: { ...plan.parameters } }),
        source: await sourceIdentity(record.source.spec),
        records: 0,
        arrivals: plan.arrivals,
        latencyRate: null,
      }),
      capacity: { p99Ms: limitMs, windowMs: sounding.lengths.windowMs },
    }),
    environmentHash: environmentHash({
      machine: describeMachine(site.server.embedded ? undefined : null),
      store: site.server.store,
      storeVersion: site.facts?.version ?? 'unknown',
      durability: site.durability,
    }),
    subjectHash: subjectHash({
      target: module.name,
      options,
      image: imageName,
      layout: site.server.layoutOf({ partitionKey: plan.partitionKey, partitions: plan.partitions }),
      build: describeBuild().build,
    }),
  }
}

function troubleOf(contender: Contender): Error | undefined {
  return contender.error ?? ledgerError(contender)
}

function verdictOf(record: CapacityRecord, sounding: Sounding, capacity: number | null): { verdict: Verdict; reasons: readonly string[] } {
  const contenders = sounding.groups.map(({ contender }) => contender)
  const audits = contenders.flatMap(({ audit }) => (audit === undefined ? [] : [audit.audit]))
  const error = sounding.error ?? contenders.map(troubleOf).find((trouble) => trouble !== undefined)
  const judgement = judge({
    ...evidenceOf(record, sounding),
    recordsPerSecond: capacity ?? 0,
    audit: audits[0] ?? null,
    otherAudits: audits.slice(1),
    error: error?.message,
    firstFailure: contenders.map(({ ledger }) => ledger.firstFailure).find((reason) => reason !== undefined),
    interrupted: sounding.end === 'interrupted' || (record.interrupted && contenders.some(({ audit }) => audit === undefined)),
    overloaded: false,
    maxRejects: null,
  })
  if (judgement.verdict !== 'ok' || sounding.end !== 'generator') return judgement
  return { verdict: 'generator-bound', reasons: ['Weir itself fell behind, twice at the same rate: the target may well take more'] }
}

/** The accounts of the last tables of the search: by then its probes lie near the capacity. */
function nearCapacity({ groups }: Sounding): Contender | undefined {
  return groups.findLast(({ purpose }) => purpose === 'search')?.contender
}

function evidenceOf({ generatorCpu, calibration }: CapacityRecord, sounding: Sounding) {
  const contender = nearCapacity(sounding)
  const total = contender === undefined ? 0 : totalCpu(contender)
  return {
    generatorCpuSeconds: generatorCpu === null || contender === undefined ? null : generatorCpu * contender.ledger.offered,
    totalCpuSeconds: total > 0 ? total : null,
    nullRecordsPerSecond: rateOf(calibration),
  }
}

function boundOf(record: CapacityRecord, sounding: Sounding): BoundFinding | null {
  const contender = nearCapacity(sounding)
  const rate = contender === undefined ? null : rateOf(contender)
  if (contender === undefined || rate === null) return null
  return boundReport(contender, {
    ...evidenceOf(record, sounding),
    recordsPerSecond: rate,
    generatorLagP99Ms: contender.lag.count > 0 ? contender.lag.quantile(0.99) : null,
    paced: true,
  }).bound
}

/** The conditions that the probes above the capacity broke, by how often. */
function brokeAbove(probes: readonly Probe[], capacity: number): Capacity['broke'] {
  const above = probes.filter(({ rate, outcome }) => rate > capacity && outcome === 'not sustained')
  return conditions
    .map((condition) => ({ condition, probes: above.filter(({ broke }) => broke.includes(condition)).length }))
    .filter(({ probes: count }) => count > 0)
    .sort((a, b) => b.probes - a.probes)
}
