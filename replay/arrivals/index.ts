/** Makes the schedule that words ask for. */
import { firstPositionAt } from '../../generators/renderer.js'
import type { StreamSpec } from '../../generators/source.js'
import type { Arrivals } from './arrivals.js'
import { constant } from './constant.js'
import { poisson } from './poisson.js'
import { recorded, type Timetable } from './recorded.js'
import { type Stretch, shaped } from './shaped.js'
import type { ArrivalsSpec } from './words.js'

export interface Wanted {
  /** Mean records per second; a recorded log has a rate of its own. */
  readonly recordsPerSecond: number
  /** Over which a shape is stretched. */
  readonly spanMs: number
  /** Of what is random. */
  readonly seed: number
  /** Whose day diurnal arrivals follow. */
  readonly stream?: Pick<StreamSpec, 'startMs'> | undefined
  /** Whose times recorded arrivals follow. */
  readonly timetable?: Timetable | undefined
}

const dayMs = 86_400_000
/** Parts of a day of which each has the rate that the profile gives it. */
const partsOfDay = 96
/** Dense enough for each part's share of the day's records to be exact to a ten-thousandth. */
const recordsOfDay = 1_000_000_000

/** @throws RangeError for a rate or a span that is none */
export function arrivalsFor(spec: ArrivalsSpec, { recordsPerSecond, spanMs, seed, stream, timetable }: Wanted): Arrivals {
  switch (spec.kind) {
    case 'constant':
      return constant(recordsPerSecond)
    case 'poisson':
      return poisson(recordsPerSecond, seed)
    case 'diurnal':
      return shaped(dayOf(stream?.startMs ?? 0), recordsPerSecond, spanMs)
    case 'burst':
      return shaped(burst(spec), recordsPerSecond, spec.everyMs)
    case 'ramp':
      return shaped([{ length: 1, from: spec.from, to: spec.to }], recordsPerSecond, spanMs)
    case 'steps':
      return shaped(
        spec.rates.map((rate) => ({ length: 1, from: rate, to: rate })),
        recordsPerSecond,
        spanMs,
      )
    case 'replay':
      if (timetable === undefined) throw new RangeError('there is no log whose times could be followed')
      return recorded(timetable, spec.speed)
  }
}

/** A period of bursts: the base, then the peak, so that a leg does not begin with one. */
function burst({ peak, lengthMs, everyMs, shape }: ArrivalsSpec & { readonly kind: 'burst' }): readonly Stretch[] {
  const base = { length: (everyMs - lengthMs) / 2, from: 1, to: 1 }
  const top: readonly Stretch[] =
    shape === 'square'
      ? [{ length: lengthMs, from: peak, to: peak }]
      : [
          { length: lengthMs / 2, from: 1, to: peak },
          { length: lengthMs / 2, from: peak, to: 1 },
        ]
  return [base, ...top, base]
}

/** How the profile spreads a day's records over the day that a time lies in, from midnight UTC on. */
function dayOf(startMs: number): readonly Stretch[] {
  const midnight = Math.floor(startMs / dayMs) * dayMs
  const day = { startMs: midnight, recordsPerDay: recordsOfDay }
  const until = Array.from({ length: partsOfDay + 1 }, (_, part) => firstPositionAt(day, midnight + (part * dayMs) / partsOfDay))
  return until.slice(1).map((end, part) => {
    const rate = end - (until[part] ?? 0)
    return { length: 1, from: rate, to: rate }
  })
}
