/** How a latency leg is laid out: its rate, its blocks, and when their records are due. */
import type { Source } from '../generators/source.js'
import { scenarioNamed } from '../scenarios/index.js'
import type { Arrivals } from './arrivals/arrivals.js'
import { arrivalsFor } from './arrivals/index.js'
import { recorded, timetableOf } from './arrivals/recorded.js'
import { type ArrivalsSpec, parseArrivals } from './arrivals/words.js'
import type { Plan } from './plan.js'

export interface LatencyLayout {
  /** Mean records per second. */
  readonly rate: number
  /** Of the full speed; null when it was given, by the user or by a recorded log. */
  readonly share: number | null
  readonly blocks: number
  readonly blockRecords: number
  readonly blockMs: number
  /** Of each block, left out. */
  readonly warmMs: number
  /** When the records of a block are due, from its first on. */
  arrivals(round: number): Arrivals
}

export interface LatencyWish {
  readonly plan: Plan
  readonly source: Source
  /** Records that the leg takes at the most, but for a whole burst in each block. */
  readonly records: number
  /** Records per second of the full-speed leg. */
  readonly reached: number
  /** Runs that share the session's time. */
  readonly runs: number
}

/** The leg cannot be laid out as it was asked for; the message says why. */
export class LayoutError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'LayoutError'
  }
}

/** The latency leg, unless a duration was asked for: its blocks, its length, and the warm-up of each block. */
const usualBlocks = 2
const usualMs = 4000
/** So many runs have the whole length; more share it. */
const unhurriedRuns = 3
const warmUpMs = 500

/** Lays a leg out; undefined when there is nothing to measure it with. @throws TimetableError for a log without times; LayoutError */
export async function layOut(wish: LatencyWish): Promise<LatencyLayout | undefined> {
  const spec = parseArrivals(wish.plan.arrivals)
  return spec.kind === 'replay' ? layOutRecorded(wish, spec.speed) : layOutAtRate(wish, spec)
}

function layOutAtRate({ plan, source, records, reached, runs }: LatencyWish, spec: ArrivalsSpec): LatencyLayout | undefined {
  const rate = plan.rate ?? plan.rateShare * reached
  if (!(rate > 0 && Number.isFinite(rate))) return undefined
  const longestMs = plan.length?.kind === 'duration' ? plan.length.durationMs : longestLatencyMs(plan, runs)
  const longestBlockMs = longestMs / usualBlocks
  const recordsMs = (records * 1000) / rate / usualBlocks
  const wishMs = spec.kind === 'burst' ? wholeBursts(spec, longestBlockMs, recordsMs) : Math.min(longestBlockMs, recordsMs)
  const blockRecords = Math.floor((wishMs * rate) / 1000)
  if (source.spec.kind === 'file' && blockRecords * usualBlocks > records) {
    throw new LayoutError(
      `at ${Math.round(rate)} records/s two blocks of a whole burst take ${blockRecords * usualBlocks} records, and there are ${records}: give a longer log, bursts that come more often, or a lower --rate`,
    )
  }
  if (blockRecords < 1) return undefined
  const blockMs = (blockRecords * 1000) / rate
  const stream = source.spec.kind === 'stream' ? source.spec : undefined
  return {
    rate,
    share: plan.rate === null ? plan.rateShare : null,
    blocks: usualBlocks,
    blockRecords,
    blockMs,
    warmMs: Math.min(warmUpMs, blockMs / 5),
    arrivals: (round) => arrivalsFor(spec, { recordsPerSecond: rate, spanMs: blockMs, seed: seedOf(plan, round), stream }),
  }
}

/** One block: a log's time does not begin anew. */
async function layOutRecorded({ plan, source, records }: LatencyWish, speed: number): Promise<LatencyLayout | undefined> {
  const timetable = await timetableOf(source, records)
  const arrivals = recorded(timetable, speed)
  const { lines } = timetable
  const blockRecords = plan.length?.kind === 'duration' ? Math.min(lines, arrivals.dueBy(plan.length.durationMs)) : lines
  if (blockRecords < 1) return undefined
  const blockMs = Math.max(1, arrivals.dueAt(blockRecords))
  return {
    rate: (blockRecords * 1000) / blockMs,
    share: null,
    blocks: 1,
    blockRecords,
    blockMs,
    warmMs: Math.min(warmUpMs, blockMs / 5),
    arrivals: () => arrivals,
  }
}

/**
 * Length of a block that holds whole bursts: else its mean would not be the leg's rate. As many as fit into the time and, where
 * that is less, among the records; one at the least, whatever that takes, since a shorter one is not what was asked for.
 */
function wholeBursts({ everyMs }: ArrivalsSpec & { readonly kind: 'burst' }, longestMs: number, recordsMs: number): number {
  const bursts = Math.min(Math.round(longestMs / everyMs), Math.floor(recordsMs / everyMs))
  return Math.max(1, bursts) * everyMs
}

/** Of the arrivals: another for each block, the same for each target. */
function seedOf({ seed }: Plan, round: number): number {
  return Number(BigInt.asUintN(32, BigInt(seed) * 0x9e3779b1n + BigInt(round)))
}

function longestLatencyMs(plan: Plan, runs: number): number {
  return scenarioNamed(plan.scenario).latencyMs ?? usualMs * Math.min(1, unhurriedRuns / runs)
}
