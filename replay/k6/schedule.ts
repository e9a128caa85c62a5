/** When a script's requests are due: the same formulas as in scenarios/k6/lib/schedule.js, where k6 is told to follow them. */
import type { Arrivals } from '../arrivals/arrivals.js'
import { constant } from '../arrivals/constant.js'
import { arrivalsFor } from '../arrivals/index.js'
import { type ArrivalsSpec, sayArrivals } from '../arrivals/words.js'
import type { K6Values } from './plan.js'

export interface RequestSchedule {
  /** Requests in all. */
  readonly planned: number
  /** Records, or questions, in each. */
  readonly each: number
  /** Records, or questions, per second: the mean; of those that are due at once: all of them. */
  readonly rate: number
  /** From the first due time to the end of the schedule. */
  readonly spanMs: number
  /** As results keep it. */
  readonly arrivals: string
  /** Milliseconds after the start at which request `index` (from 0) is due. */
  dueAtMs(index: number): number
}

/** Of the requests that send lines; undefined for a script that sends none. */
export function lineSchedule(values: K6Values): RequestSchedule | undefined {
  const { lines, rate, submissions, peak, burstMs, everyMs, durationMs } = values
  if (lines === undefined) return undefined
  if (submissions !== undefined) {
    const records = submissions * lines
    return { planned: submissions, each: lines, rate: records, spanMs: 1, arrivals: 'at once', dueAtMs: () => 0 }
  }
  if (rate === undefined) return undefined
  if (peak === undefined || burstMs === undefined || everyMs === undefined) return atRate(rate, lines, durationMs)
  return inBursts({ rate, lines, peak, burstMs, everyMs, durationMs })
}

/** Of the questions; undefined for a script that asks none. */
export function questionSchedule({ questions, durationMs }: K6Values): RequestSchedule | undefined {
  return questions === undefined ? undefined : atRate(questions, 1, durationMs)
}

function atRate(rate: number, each: number, durationMs: number): RequestSchedule {
  const arrivals = constant(rate / each)
  return {
    planned: Math.max(1, Math.ceil((durationMs * rate) / (1000 * each) - 1e-9)),
    each,
    rate,
    spanMs: durationMs,
    arrivals: sayArrivals({ kind: 'constant' }),
    dueAtMs: (index) => arrivals.dueAt(index),
  }
}

interface Bursts {
  readonly rate: number
  readonly lines: number
  readonly peak: number
  readonly burstMs: number
  readonly everyMs: number
  readonly durationMs: number
}

function inBursts({ rate, lines, peak, burstMs, everyMs, durationMs }: Bursts): RequestSchedule {
  // k6 takes whole numbers for rates.
  const times = Math.round(rate * peak) / rate
  const periods = Math.max(1, Math.round(durationMs / everyMs))
  const mean = (rate * (everyMs - burstMs + times * burstMs)) / everyMs
  const spanMs = periods * everyMs
  const spec: ArrivalsSpec = { kind: 'burst', peak: times, lengthMs: burstMs, everyMs, shape: 'square' }
  const arrivals: Arrivals = arrivalsFor(spec, { recordsPerSecond: mean / lines, spanMs, seed: 0 })
  return {
    planned: Math.max(1, Math.ceil((mean * spanMs) / (1000 * lines) - 1e-9) - 1),
    each: lines,
    rate: mean,
    spanMs,
    arrivals: sayArrivals(spec),
    // The integral of the rate begins at one with k6.
    dueAtMs: (index) => arrivals.dueAt(index + 1),
  }
}
