/** What the generator costs: CPU time per record, measured by itself, since beside a busy target its wall clock says nothing. */
import type { Lines, Source } from '../generators/source.js'
import { chunkRecords } from './driver.js'

/** Chunks kept at once, as a target keeps those in flight: memory that is handed on cannot be used again at once. */
const inFlight = 32
const warmUpRecords = 100_000
const measuredRecords = 300_000

/**
 * CPU seconds per record of making chunks as the driver makes them, by the process's own account. Nothing else may run in
 * this process meanwhile. Null for an empty source.
 */
export async function generatorCpuPerRecord(source: Source): Promise<number | null> {
  const ring: (Lines | undefined)[] = Array.from({ length: inFlight })
  let made = 0
  let from: NodeJS.CpuUsage | undefined
  let fromRecords = 0
  // A file that is shorter than this is read again.
  for (let passes = 0; passes < 1000 && made < warmUpRecords + measuredRecords; passes++) {
    const cursor = await source.open(0)
    const before = made
    try {
      for (let turn = 0; made < warmUpRecords + measuredRecords; turn++) {
        if (from === undefined && made >= warmUpRecords) {
          from = process.cpuUsage()
          fromRecords = made
        }
        const lines = await cursor.next(chunkRecords)
        if (lines === undefined) break
        ring[turn % inFlight] = lines
        made += lines.count
      }
    } finally {
      await cursor.close()
    }
    if (made === before) break
  }
  if (from === undefined || made === fromRecords) return null
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1e6 / (made - fromRecords)
}
