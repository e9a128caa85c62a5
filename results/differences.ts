/** What two results differ in, field by field: what the hashes sum up and the documents still hold. */
import type { Audit, Json, Result, Run } from './result.js'
import { auditFindings } from './verdict.js'

/** A field that two results disagree on; absent values are null. */
export interface Difference {
  readonly field: string
  readonly a: Json
  readonly b: Json
}

/** A run with the document that it stands in. */
export interface Placed {
  readonly run: Run
  readonly result: Result
}

const workloadOptions = [
  'scenario',
  'parameters',
  'profile',
  'format',
  'seed',
  'startMs',
  'recordsPerDay',
  'length',
  'input',
  'arrivals',
  'latencyLeg',
  'rate',
  'rateShare',
] as const

/** What differs behind two workload hashes; empty when they are the same. */
export function workloadDifferences(a: Placed, b: Placed): readonly Difference[] {
  if (a.run.workloadHash === b.run.workloadHash) return []
  const of = ({ run, result }: Placed) => ({
    ...picked(result.configuration, workloadOptions),
    scenario: run.scenario,
    // Of a run told how long to last, the records are what was measured, not what was asked.
    ...(lasts(result) ? {} : { records: run.records }),
  })
  return behind('workload', fieldDifferences(of(a), of(b)), a.run.workloadHash, b.run.workloadHash)
}

/** What differs behind two environment hashes, durability left out, which is looked at for itself. */
export function environmentDifferences(a: Placed, b: Placed): readonly Difference[] {
  if (a.run.environmentHash === b.run.environmentHash) return []
  const of = ({ run, result }: Placed) => ({
    machine: { ...result.machine } as { readonly [field: string]: Json },
    storeVersion: run.storeFacts?.version ?? null,
    durability: run.durability,
  })
  const found = fieldDifferences(of(a), of(b))
  return behind('environment', found, a.run.environmentHash, b.run.environmentHash).filter(({ field }) => field !== 'durability')
}

/** What differs between the two subjects: what a comparison compares, so no reason to refuse it. */
export function subjectDifferences(a: Placed, b: Placed): readonly Difference[] {
  if (a.run.subjectHash === b.run.subjectHash) return []
  const of = ({ run, result }: Placed) => ({
    target: run.target,
    options: run.options ?? {},
    image: run.image ?? null,
    ...picked(result.configuration, ['partitionKey', 'partitions']),
    version: result.weir.version,
    build: result.weir.build,
  })
  return behind('subject', fieldDifferences(of(a), of(b)), a.run.subjectHash, b.run.subjectHash)
}

/** Image, durability and audit outcome, where they differ. */
export function outcomeDifferences(a: Placed, b: Placed): readonly Difference[] {
  const of = ({ run }: Placed) => ({ image: run.image ?? null, durability: run.durability, audit: auditOutcome(run) })
  return fieldDifferences(of(a), of(b))
}

/** What the audits of a run came to: 'clean', 'none' or the kinds of damage. */
export function auditOutcome({ audit, latencyLeg }: Pick<Run, 'audit' | 'latencyLeg'>): string {
  const audits = [audit, latencyLeg?.audit ?? null].filter((found): found is Audit => found !== null)
  const kinds = new Set(audits.flatMap((found) => auditFindings(found).map(({ kind }) => kind)))
  if (kinds.size > 0) return [...kinds].sort().join(', ')
  return audit === null ? 'none' : 'clean'
}

/** Every field in which two plain values differ, named by its path. */
export function fieldDifferences(a: Json | undefined, b: Json | undefined, path = ''): readonly Difference[] {
  if (isFields(a) && isFields(b)) {
    const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    return names.flatMap((name) => fieldDifferences(a[name], b[name], path === '' ? name : `${path}.${name}`))
  }
  const [left, right] = [a ?? null, b ?? null]
  return JSON.stringify(left) === JSON.stringify(right) ? [] : [{ field: path, a: left, b: right }]
}

/** The fields that differ; if there are none, the hashes themselves: the documents don't hold what they differ in. */
function behind(what: string, found: readonly Difference[], a: string, b: string): readonly Difference[] {
  return found.length > 0 ? found : [{ field: `${what} hash`, a: a.slice(0, 12), b: b.slice(0, 12) }]
}

function picked(options: Result['configuration'], names: readonly string[]): { readonly [option: string]: Json } {
  return Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])))
}

function lasts({ configuration: { length } }: Result): boolean {
  return isFields(length) && length['kind'] === 'duration'
}

function isFields(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
