/** Merges: what a run has made the server do, and waiting until nothing is left of it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Upkeep } from '../store.js'
import type { Abilities } from './abilities.js'
import { rejectTable, rowTable } from './layout.js'
import type { Link } from './link.js'
import { sql } from './sql.js'

/** Parts and merges of a run. Merges are counted for the whole server where it keeps no log of them. */
export async function upkeepOf(link: Link, schema: string, abilities: Abilities): Promise<Upkeep> {
  const [parts] = await link.rows<{ parts: string; active: string }>(
    sql`SELECT count() AS parts, sum(active) AS active FROM system.parts WHERE database = ${schema} AND table IN (${rowTable}, ${rejectTable})`,
  )
  const [running] = await link.rows<{ running: string }>(sql`SELECT count() AS running FROM system.merges WHERE database = ${schema}`)
  const merging = Number(running?.running ?? 0)
  return {
    settled: merging === 0,
    figures: {
      parts: Number(parts?.parts ?? 0),
      activeParts: Number(parts?.active ?? 0),
      merging,
      ...(abilities.partLog ? await logged(link, schema) : await counted(link)),
    },
  }
}

async function logged(link: Link, schema: string): Promise<Record<string, number>> {
  // What was merged a moment ago is not in the table yet; who may not flush it sees it some seconds later.
  await link.run(sql`SYSTEM FLUSH LOGS`).catch(() => undefined)
  const [row] = await link.rows<Record<string, string>>(sql`
    SELECT count() AS merges, sum(read_rows) AS mergedRows, sum(size_in_bytes) AS mergedBytes, sum(duration_ms) AS mergeMs
    FROM system.part_log WHERE database = ${schema} AND event_type = 'MergeParts'`)
  return numbers(row)
}

/** Names differ between versions: times are in one or the other event. */
async function counted(link: Link): Promise<Record<string, number>> {
  const [row] = await link.rows<Record<string, string>>(sql`
    SELECT sumIf(value, event = 'Merge') AS merges, sumIf(value, event = 'MergedRows') AS mergedRows,
      sumIf(value, event = 'MergedUncompressedBytes') AS mergedBytes,
      sumIf(value, event IN ('MergesTimeMilliseconds', 'MergeTotalMilliseconds')) AS mergeMs
    FROM system.events`)
  return numbers(row)
}

function numbers(row: Readonly<Record<string, string>> | undefined): Record<string, number> {
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]))
}

/** What waiting needs of the world. */
export interface Waiting {
  readonly now: () => number
  readonly pause: (ms: number) => Promise<unknown>
}

export const realTime: Waiting = { now: () => performance.now(), pause: (ms) => delay(ms) }

/** As long as merges of a large run take on a slow disk; after that they are part of that server's life. */
const patienceMs = 120_000
const pollMs = 60
/** Polls in a row without a merge or a change of the parts, after which the server has seen no reason for another. */
const quietPolls = 4

/**
 * Resolves when nothing of Weir's is merged any more and nothing is going to be: parts that do not change lie as they will.
 * @returns for how long nothing had changed then, milliseconds
 */
export async function untilMerged(link: Link, { now, pause }: Waiting = realTime): Promise<number> {
  const end = now() + patienceMs
  let before: string | undefined
  let since = now()
  for (let quiet = 0; now() < end; ) {
    const [row] = await link.rows<{ merging: string; parts: string }>(sql`
      SELECT toString((SELECT count() FROM system.merges WHERE database LIKE 'weir\\_%')) AS merging,
        toString((SELECT count() FROM system.parts WHERE active AND database LIKE 'weir\\_%')) AS parts`)
    const seen = JSON.stringify(row)
    if (row?.merging === '0' && row.parts === '0') return 0
    if (row?.merging === '0' && (before === undefined || seen === before)) quiet++
    else {
      quiet = 0
      since = now()
    }
    if (quiet > quietPolls) break
    before = seen
    await pause(pollMs)
  }
  return now() - since
}
