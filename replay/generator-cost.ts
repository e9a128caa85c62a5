/** What the generator costs: CPU time per record, measured by itself, since beside a busy target its wall clock says nothing. */

import type { Cursor, Lines, Source } from '../generators/source.js'
import { median } from '../results/statistics.js'
import { chunkRecords } from './driver.js'

/** Chunks kept at once, as a target keeps those in flight: memory that is handed on cannot be used again at once. */
const inFlight = 32
/** Rounds until compiler and allocator have settled, and rounds whose median counts. */
const warmUpRounds = 4
const rounds = 7
const recordsPerRound = 80_000
/** A file that is shorter than a round is read again, but not so often that opening it is what is measured. */
const passesPerRound = 20

/**
 * CPU seconds per record of making chunks as the driver makes them, by the process's own account. Nothing else may run in
 * this process meanwhile. A short source is read several times. Null for an empty one.
 */
export async function generatorCpuPerRecord(source: Source): Promise<number | null> {
  const ring: (Lines | undefined)[] = Array.from({ length: inFlight })
  const costs: number[] = []
  let cursor: Cursor | undefined
  let turn = 0
  try {
    for (let round = 0; round < warmUpRounds + rounds; round++) {
      const before = process.cpuUsage()
      let made = 0
      let passes = 0
      while (made < recordsPerRound && passes < passesPerRound) {
        cursor ??= await source.open(0)
        const lines = await cursor.next(chunkRecords)
        if (lines === undefined) {
          if (cursor.position === 0) return null
          await cursor.close()
          cursor = undefined
          passes++
          continue
        }
        ring[turn++ % inFlight] = lines
        made += lines.count
      }
      const { user, system } = process.cpuUsage(before)
      if (round >= warmUpRounds) costs.push((user + system) / 1e6 / made)
    }
  } finally {
    await cursor?.close()
  }
  return median(costs)
}
