/** The three hashes of a result: what was asked, where it ran, and what was measured. */
import { createHash } from 'node:crypto'
import type { Durability, Json, Machine } from './result.js'

/** What must be equal for two results to be compared: the records, how many of them, and how they arrived. */
export interface Workload {
  readonly scenario: string
  /** What the scenario was told; absent when it cannot be told anything. */
  readonly parameters?: { readonly [name: string]: Json } | undefined
  readonly source: StreamIdentity | FileIdentity
  readonly records: number
  /** 'constant', ... */
  readonly arrivals: string
  /** How the latency leg's rate was set: a share of full speed or records per second; null when there was no such leg. */
  readonly latencyRate: { readonly share: number } | { readonly recordsPerSecond: number } | null
}

/** A generated stream, by what its records depend on. */
export interface StreamIdentity {
  readonly kind: 'stream'
  readonly profile: string
  readonly seed: string
  readonly format: string
  readonly startMs: number
  readonly recordsPerDay: number
  readonly late?: { readonly share: number } | undefined
  readonly hot?: { readonly key: string; readonly share: number } | undefined
}

/** A real file, by its content: where it lay does not matter, and a committed baseline names no path. */
export interface FileIdentity {
  readonly kind: 'file'
  readonly format: string
  readonly sha256: string
}

/** Where it ran. A difference does not forbid a comparison but lowers its verdict to advice. */
export interface Environment {
  readonly machine: Machine
  readonly store: string
  readonly storeVersion: string
  readonly durability: Durability
  /** Where latencies were taken by another one than usual: 'wall', in whole milliseconds. */
  readonly clock?: string
}

/** What was measured, and may differ between two results that are compared. */
export interface Subject {
  readonly target: string
  readonly options: { readonly [option: string]: Json }
  readonly image: string
  readonly layout: { readonly partitionKey: string; readonly partitions: number }
  /** Hash of the build that ran. */
  readonly build: string
}

/** sha-256 of the workload, 64 hex digits. */
export function workloadHash({ scenario, parameters, source, records, arrivals, latencyRate }: Workload): string {
  const identity =
    source.kind === 'file'
      ? { kind: source.kind, format: source.format, sha256: source.sha256 }
      : {
          kind: source.kind,
          profile: source.profile,
          seed: source.seed,
          format: source.format,
          startMs: source.startMs,
          recordsPerDay: source.recordsPerDay,
          late: source.late && { share: source.late.share },
          hot: source.hot && { key: source.hot.key, share: source.hot.share },
        }
  return hashOf({ scenario, parameters, source: identity, records, arrivals, latencyRate })
}

/** sha-256 of the environment, 64 hex digits. */
export function environmentHash({ machine, store, storeVersion, durability, clock }: Environment): string {
  return hashOf({ machine, store, storeVersion, durability, clock })
}

/** sha-256 of the subject, 64 hex digits. */
export function subjectHash({ target, options, image, layout, build }: Subject): string {
  return hashOf({ target, options, image, layout: { partitionKey: layout.partitionKey, partitions: layout.partitions }, build })
}

/** sha-256 of any plain data in its canonical form, 64 hex digits. @throws TypeError as `canonicalJson`. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/**
 * JSON without spaces and with sorted keys, so that equal data has one text. Absent and undefined members are the same.
 * @throws TypeError for what JSON cannot say exactly: NaN, infinities, functions, bigints.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no place in a hash: JSON cannot say it`)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  throw new TypeError(`a ${typeof value} has no place in a hash: JSON cannot say it`)
}
