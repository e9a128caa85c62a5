/** What was seen of one probe: when records were due and when they met their fates. Plain data, all times milliseconds since the probe began. */

/** Records that met their fate together and had come due evenly between two instants. */
export interface SettledRange {
  readonly atMs: number
  readonly count: number
  readonly dueFirstMs: number
  readonly dueLastMs: number
  /** Refused or in doubt: never stored, so later than any limit. */
  readonly failed: boolean
}

export interface Observation {
  /** Records due per second, evenly. */
  readonly rate: number
  /** What was due from <= due < to counts; what came before was the warm-up. */
  readonly fromMs: number
  readonly toMs: number
  /** In the order in which they were settled, those of the warm-up too. */
  readonly settled: readonly SettledRange[]
  /** When the last look was taken: what was not settled by then, though due, was still waiting. */
  readonly seenUntilMs: number
}

/** Records settled so close together are one batch: a receipt names its ranges one after the other. */
const oneBatchMs = 1

/** Settlements joined to batches: when each came, and how many records it had. */
export function batchesOf(settled: readonly SettledRange[]): { readonly atMs: number; readonly count: number }[] {
  const batches: { atMs: number; count: number }[] = []
  for (const { atMs, count } of settled) {
    const last = batches.at(-1)
    if (last !== undefined && atMs - last.atMs < oneBatchMs) {
      last.count += count
      last.atMs = atMs
    } else batches.push({ atMs, count })
  }
  return batches
}

/** In how many milliseconds as many records come due as one batch has, a record's own batch on average. 0 without batches. */
export function batchPeriodMs(batches: readonly { readonly count: number }[], rate: number): number {
  const records = batches.reduce((sum, { count }) => sum + count, 0)
  const squares = batches.reduce((sum, { count }) => sum + count * count, 0)
  return records === 0 ? 0 : (squares / records / rate) * 1000
}
