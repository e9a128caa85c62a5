/** The contract of arrivals: when records are due, after which the driver paces itself and latency is counted. */

/** A schedule: two pure functions of time and number that agree with each other. */
export interface Arrivals {
  /** How many records are due within the first `elapsedMs`, those due at that very moment included. */
  dueBy(elapsedMs: number): number
  /** Milliseconds after the start at which record `index` (from 0) is due; never less for a larger index. */
  dueAt(index: number): number
  /** Mean records per second. */
  readonly recordsPerSecond: number
  /** Whether any run of records is spread evenly between its first and its last. */
  readonly even: boolean
}

/** Records that are due evenly between two moments, as near as latencies are told. */
export interface EvenPiece {
  readonly count: number
  readonly dueFirstMs: number
  readonly dueLastMs: number
}

/** Records of an uneven schedule are taken to be spread evenly over no more than this. */
const evenMs = 5

/**
 * Cuts records index .. index+count into pieces that were due evenly: one where the schedule is even, else one for each
 * few milliseconds in which any was due. The work grows with the time that they span, not with their number.
 */
export function* evenPieces(arrivals: Arrivals, index: number, count: number): Generator<EvenPiece> {
  const end = index + count
  for (let first = index; first < end; ) {
    const dueFirstMs = arrivals.dueAt(first)
    const next = arrivals.even ? end : Math.min(end, Math.max(first + 1, arrivals.dueBy(dueFirstMs + evenMs)))
    yield { count: next - first, dueFirstMs, dueLastMs: next - first === 1 ? dueFirstMs : arrivals.dueAt(next - 1) }
    first = next
  }
}

/** @throws RangeError when the rate is not a positive number */
export function checkRate(recordsPerSecond: number): void {
  if (!(recordsPerSecond > 0 && Number.isFinite(recordsPerSecond))) {
    throw new RangeError(`a rate is a positive number of records per second, not ${recordsPerSecond}`)
  }
}
