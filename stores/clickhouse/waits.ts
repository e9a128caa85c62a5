/** What a server spends the time of a run's inserts on, by its own counters, which count all that it does: merges, and others' inserts. */
import type { Measured, WaitKind, WaitReport, WaitWatch } from '../store.js'
import type { Link } from './link.js'
import { list, sql } from './sql.js'
import { batchesAtOnce } from './writer.js'

/**
 * Events of system.events that are times, in microseconds per unit, by what the time went to. Names differ between
 * versions; one that a server does not know counts nothing.
 */
const times: Readonly<Record<Exclude<WaitKind, 'client'>, Readonly<Record<string, number>>>> = {
  cpu: { OSCPUVirtualTimeMicroseconds: 1, OSCPUWaitMicroseconds: 1 },
  disk: { FileSyncElapsedMicroseconds: 1, DirectorySyncElapsedMicroseconds: 1, DiskWriteElapsedMicroseconds: 1 },
  lock: {
    PartsLockWaitMicroseconds: 1,
    ContextLockWaitMicroseconds: 1,
    RWLockReadersWaitMilliseconds: 1000,
    RWLockWritersWaitMilliseconds: 1000,
  },
  other: { DelayedInsertsMilliseconds: 1000 },
}

/** How long inserts were under way, and how much of that they waited for their rows: from the net, or, embedded, from a pipe. */
const insertTime = 'InsertQueryTimeMicroseconds'
const receiving = 'NetworkReceiveElapsedMicroseconds'
const readingPipe = 'DiskReadElapsedMicroseconds'

const counts = ['InsertQuery', 'InsertedRows', 'FileSync', 'DirectorySync', 'DelayedInserts', 'RejectedInserts', 'Merge'] as const
const merging = ['MergesTimeMilliseconds', 'MergeTotalMilliseconds', 'MergeExecuteMilliseconds', 'OSIOWaitMicroseconds'] as const

const asked = [...Object.values(times).flatMap((events) => Object.keys(events)), insertTime, receiving, readingPipe, ...counts, ...merging]

/** Of a writer, one insert is on the wire while the server makes a part of another: each has a connection. */
const insertsAtOnce = batchesAtOnce - 1

type Counters = ReadonlyMap<string, number>

export class ClickHouseWaits implements WaitWatch {
  private before: Counters | undefined
  private readonly sums = new Map<string, number>()
  private elapsedMs = 0
  private connectionMs = 0

  constructor(
    private readonly link: Link,
    private readonly version: string,
  ) {}

  async begin(): Promise<void> {
    this.before = undefined
    this.before = await this.read()
  }

  async end({ elapsedMs, connections }: Measured): Promise<void> {
    const { before } = this
    if (before === undefined) return
    for (const [event, value] of await this.read()) this.sums.set(event, (this.sums.get(event) ?? 0) + value - (before.get(event) ?? 0))
    this.elapsedMs += elapsedMs
    this.connectionMs += elapsedMs * connections * insertsAtOnce
  }

  report(): WaitReport | undefined {
    const { sums, connectionMs, elapsedMs } = this
    if (connectionMs <= 0) return undefined
    const shareOf = (microseconds: number) => microseconds / 1000 / connectionMs
    const shares = Object.values(times)
      .flatMap((events) => Object.entries(events))
      .map(([event, unit]) => [event, shareOf((sums.get(event) ?? 0) * unit)] as const)
      .filter(([, share]) => share > 0)
      .sort(([, a], [, b]) => b - a)
    const kind = (name: keyof typeof times) =>
      shareOf(Object.entries(times[name]).reduce((sum, [event, unit]) => sum + (sums.get(event) ?? 0) * unit, 0))
    return {
      events: Object.fromEntries(shares),
      kinds: { client: this.waitedForClient(), cpu: kind('cpu'), disk: kind('disk'), lock: kind('lock'), other: kind('other') },
      looks: 0,
      connections: connectionMs / elapsedMs,
      figures: Object.fromEntries([...sums].filter(([, value]) => value > 0).sort(([a], [b]) => (a < b ? -1 : 1))),
      unknown: sums.has(insertTime)
        ? []
        : [`for how long inserts were under way, so for how long the target was waited for: ClickHouse ${this.version} does not count it`],
    }
  }

  async close(): Promise<void> {}

  /** Time without an insert, and that of inserts without rows; null where the server does not count the inserts' time. */
  private waitedForClient(): number | null {
    const { sums, connectionMs } = this
    const inserting = sums.get(insertTime)
    if (inserting === undefined) return null
    const received = sums.get(receiving) ?? 0
    const waited = received > 0 ? received : (sums.get(readingPipe) ?? 0)
    return Math.min(1, Math.max(0, 1 - Math.max(0, inserting - waited) / 1000 / connectionMs))
  }

  /** An event that has never happened is not in the table. */
  private async read(): Promise<Counters> {
    const rows = await this.link.rows<{ event: string; value: string }>(
      sql`SELECT event, value FROM system.events WHERE event IN (${list(asked)})`,
    )
    return new Map(rows.map(({ event, value }) => [event, Number(value)]))
  }
}
