/** Whether the backlog of a probe grew, and how sure that is. */
import { batchesOf, batchPeriodMs, type Observation } from './observation.js'
import { leastValues, type Trend, trendOf } from './trend.js'

/** The growth of the backlog as a share of the rate: 0.1 is a backlog that grows by a tenth of what comes due. */
export interface Growth extends Pick<Trend, 'slope' | 'standardError' | 'freedom' | 'low' | 'high'> {
  /** Pieces of the window whose mean backlogs it was computed from. */
  readonly pieces: number
}

const mostPieces = 24
/** A piece holds at least so many batches, so that the saw of batches is not taken for a slope. */
const batchesPerPiece = 2

/**
 * The slope of the backlog (records due and not settled) over the window, from its means in pieces of at least two batch
 * periods. Settlements come in whole batches; between two of them the records are taken to have been settled evenly, which
 * takes the saw's teeth off and leaves its slope. The error respects that a backlog remembers itself (`trendOf`).
 * @returns undefined when the window is too short for its batches
 */
export function growthOf(observation: Observation): Growth | undefined {
  const { rate, fromMs, toMs, settled } = observation
  const batches = batchesOf(settled)
  const within = batches.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
  const lengthMs = toMs - fromMs
  const pieces = Math.min(mostPieces, Math.floor(lengthMs / (batchesPerPiece * batchPeriodMs(within, rate)) || 0))
  if (pieces < leastValues) return undefined
  const pieceMs = lengthMs / pieces
  const curve = areaUnder(batches)
  const means = Array.from({ length: pieces }, (_, k) => {
    const begin = fromMs + k * pieceMs
    const due = (rate / 1000) * (begin + pieceMs / 2)
    return due - (curve(begin + pieceMs) - curve(begin)) / pieceMs
  })
  const { slope, standardError, freedom, low, high } = trendOf(means)
  const share = 1000 / (pieceMs * rate)
  return { slope: slope * share, standardError: standardError * share, freedom, low: low * share, high: high * share, pieces }
}

/** The area from 0 to an instant under the curve that joins the corners of the records settled so far. */
function areaUnder(batches: readonly { readonly atMs: number; readonly count: number }[]): (atMs: number) => number {
  const corners = [{ atMs: 0, settled: 0, area: 0 }]
  for (const { atMs, count } of batches) {
    const last = corners.at(-1) ?? { atMs: 0, settled: 0, area: 0 }
    const settled = last.settled + count
    corners.push({ atMs, settled, area: last.area + ((last.settled + settled) / 2) * (atMs - last.atMs) })
  }
  return (atMs) => {
    let low = 0
    let high = corners.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((corners[middle]?.atMs ?? 0) <= atMs) low = middle
      else high = middle - 1
    }
    const here = corners[low] ?? { atMs: 0, settled: 0, area: 0 }
    const next = corners[low + 1]
    const passed = atMs - here.atMs
    const risen = next === undefined ? 0 : ((next.settled - here.settled) * passed) / (next.atMs - here.atMs || 1)
    return here.area + (here.settled + risen / 2) * passed
  }
}
