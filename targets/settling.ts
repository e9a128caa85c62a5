/** Turning the end of a write, good or bad, into settlements. */
import type { Chunk } from '../generators/record.js'
import type { Receipt, Settlement } from '../stores/store.js'

/** Settles every range of a receipt. */
export function settleReceipt(receipt: Receipt, settle: (settlement: Settlement) => void): void {
  for (const settlement of receipt) settle(settlement)
}

/** Settles a batch whose write threw: in doubt, since the answer to a commit may have been what was lost. */
export function settleFailed(
  batch: readonly Pick<Chunk, 'source' | 'first' | 'count'>[],
  error: unknown,
  settle: (settlement: Settlement) => void,
): void {
  const reason = error instanceof Error ? error.message : String(error)
  for (const { source, first, count } of batch) settle({ source, first, count, fate: 'failed', reason })
}
