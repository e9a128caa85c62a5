/** What writing the log cost the backends of a run, as Postgres keeps account of it. */
import type pg from 'pg'

/** A backend's own account, from version 18 on; it makes that known once a second at the most. */
const ownAccount = `
  SELECT a.pid || ' ' || a.backend_start AS whose, sum(b.writes)::float8 AS writes, sum(b.fsyncs)::float8 AS fsyncs,
    sum(b.write_time)::float8 AS "writeMs", sum(b.fsync_time)::float8 AS "fsyncMs"
  FROM pg_stat_get_activity(NULL) AS a, pg_stat_get_backend_io(a.pid) AS b
  WHERE a.application_name = $1 AND b.object = 'wal' GROUP BY 1`

/** Before that: the whole server's. */
const serverAccount = `
  SELECT 'server' AS whose, wal_write::float8 AS writes, wal_sync::float8 AS fsyncs, wal_write_time::float8 AS "writeMs", wal_sync_time::float8 AS "fsyncMs"
  FROM pg_stat_wal WHERE $1 <> ''`

const oldestWithOwnAccount = 180_000

interface Account {
  readonly whose: string
  readonly writes: number | null
  readonly fsyncs: number | null
  readonly writeMs: number | null
  readonly fsyncMs: number | null
}

export interface LogAccountOptions {
  /** What the run's connections are called. */
  readonly schema: string
  /** server_version_num */
  readonly version: number
  /** Times of the log's writes are taken: track_wal_io_timing. */
  readonly timed: boolean
}

export class LogAccount {
  private readonly last = new Map<string, Account>()
  private readonly sums = { writes: 0, fsyncs: 0, writeMs: 0, fsyncMs: 0 }

  constructor(private readonly options: LogAccountOptions) {}

  private get own(): boolean {
    return this.options.version >= oldestWithOwnAccount
  }

  /** A block is about to begin. What a backend makes known late belongs to its last block; what a server does meanwhile is others'. */
  async begin(client: pg.Client): Promise<void> {
    if (!this.own) this.last.clear()
    await this.read(client)
  }

  /** It has ended. */
  async end(client: pg.Client): Promise<void> {
    await this.read(client)
  }

  /** @param connectionMs time of the run's connections in its blocks, together */
  figures(connectionMs: number): Readonly<Record<string, number>> {
    const { writes, fsyncs, writeMs, fsyncMs } = this.sums
    // Nothing was made known yet: that is not nothing.
    if (writes === 0) return {}
    const counts = { walWrites: writes, walFsyncs: fsyncs }
    if (!this.options.timed) return counts
    return { ...counts, walWriteMs: writeMs, walFsyncMs: fsyncMs, ...(connectionMs > 0 ? { walFsyncShare: fsyncMs / connectionMs } : {}) }
  }

  /** What could not be told, a sentence each. */
  unknown(): readonly string[] {
    if (!this.options.timed) return ['what fsync of the log took: track_wal_io_timing is off on this server']
    if (this.sums.writes === 0) return ['what fsync of the log took: the backends had not made it known yet']
    return this.own ? [] : ['whose fsync of the log it was: Postgres keeps an account of it for each backend from version 18 on']
  }

  private async read(client: pg.Client): Promise<void> {
    const { rows } = await client.query<Account>(this.own ? ownAccount : serverAccount, [this.options.schema])
    for (const row of rows) {
      const before = this.last.get(row.whose)
      this.last.set(row.whose, row)
      if (before === undefined) continue
      for (const name of ['writes', 'fsyncs', 'writeMs', 'fsyncMs'] as const) this.sums[name] += (row[name] ?? 0) - (before[name] ?? 0)
    }
  }
}
