/** How records flowed beside an event, and how otherwise: from when they were stored. All times in milliseconds since a block began. */
import type { Flow } from '../results/result.js'

/** Records stored together. In the order of time. */
export interface Stored {
  readonly atMs: number
  readonly records: number
}

/** When a month was being dropped; `seen` is the number of its event once that is known. */
export interface Drop {
  readonly fromMs: number
  toMs: number
  seen?: number
}

/**
 * The flow beside a drop: from its beginning to the first records stored at or after its end, since batches are stored
 * whole and a window that ended between two of them would miss one. Undefined when nothing was stored after it had begun.
 */
export function flowBeside(drop: Drop, stored: readonly Stored[]): Flow | undefined {
  const { fromMs, toMs } = windowOf(drop, stored) ?? {}
  if (fromMs === undefined || toMs === undefined) return undefined
  const within = stored.filter(({ atMs }) => atMs > fromMs && atMs <= toMs)
  const gaps = gapsOf(stored).filter((gap) => gap.toMs > fromMs && gap.fromMs < toMs)
  return flow(toMs - fromMs, within, gaps)
}

/** Instants at which something was stored that a flow to compare with needs. */
const fewestInstants = 3

/**
 * The flow of a block outside its drops' windows, from the first records stored on. Undefined when there is no such time, or
 * too little was stored in it to speak of a flow.
 */
export function flowOf(drops: readonly Drop[], stored: readonly Stored[]): Flow | undefined {
  const first = stored[0]?.atMs
  const last = stored.at(-1)?.atMs
  if (first === undefined || last === undefined) return undefined
  const windows = joined(drops.flatMap((drop) => windowOf(drop, stored) ?? [])).map(({ fromMs, toMs }) => ({
    fromMs: Math.max(fromMs, first),
    toMs: Math.max(toMs, first),
  }))
  const beside = windows.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
  const outside = stored.filter(({ atMs }) => atMs > first && !windows.some(({ fromMs, toMs }) => atMs > fromMs && atMs <= toMs))
  if (new Set(outside.map(({ atMs }) => Math.round(atMs))).size < fewestInstants) return undefined
  const gaps = gapsOf(stored).filter((gap) => !windows.some(({ fromMs, toMs }) => gap.toMs > fromMs && gap.fromMs < toMs))
  return flow(last - first - beside, outside, gaps)
}

/** Flows one after the other. */
export function sumOf(flows: readonly Flow[]): Flow | null {
  const seconds = flows.reduce((sum, flow) => sum + flow.seconds, 0)
  if (seconds === 0) return null
  const records = flows.reduce((sum, flow) => sum + flow.recordsPerSecond * flow.seconds, 0)
  return { seconds, recordsPerSecond: records / seconds, longestGapMs: Math.max(...flows.map(({ longestGapMs }) => longestGapMs)) }
}

interface Stretch {
  readonly fromMs: number
  readonly toMs: number
}

function windowOf({ fromMs, toMs }: Drop, stored: readonly Stored[]): Stretch | undefined {
  const last = stored.at(-1)?.atMs ?? 0
  if (last <= fromMs) return undefined
  return { fromMs, toMs: stored.find(({ atMs }) => atMs >= toMs)?.atMs ?? last }
}

function joined(stretches: readonly Stretch[]): Stretch[] {
  const all: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of [...stretches].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = all.at(-1)
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else all.push({ fromMs, toMs })
  }
  return all
}

function gapsOf(stored: readonly Stored[]): Stretch[] {
  return stored.slice(1).map(({ atMs }, i) => ({ fromMs: stored[i]?.atMs ?? atMs, toMs: atMs }))
}

function flow(milliseconds: number, stored: readonly Stored[], gaps: readonly Stretch[]): Flow | undefined {
  if (!(milliseconds > 0)) return undefined
  const records = stored.reduce((sum, each) => sum + each.records, 0)
  return {
    seconds: milliseconds / 1000,
    recordsPerSecond: (records * 1000) / milliseconds,
    longestGapMs: gaps.reduce((longest, { fromMs, toMs }) => Math.max(longest, toMs - fromMs), 0),
  }
}
