/** What the backends that write a run's rows wait for: looked at by the server itself, and what fsync of the log took. */
import type pg from 'pg'
import type { Measured, StoreAddress, WaitKind, WaitReport, WaitWatch } from '../store.js'
import { waitKinds } from '../store.js'
import { connect, explain } from './connect.js'
import { sql } from './sql.js'

/** Mean time between two looks, milliseconds; it varies by half of that, so as not to keep step with anything. */
const meanPauseMs = 100
/** First half of the keys of the lock that says a block is under way; the other half is the number of the looking backend. */
const lockClass = 0x77656972

/**
 * Looks at the run's backends until the lock is free that the client holds while a block runs. The server does that by
 * itself, since a client that asked each time would look when its own thread has nothing to do, which is when a target in
 * that thread has nothing to do either. Each look is a transaction of its own: what is known of the backends is kept for
 * the length of one, and no snapshot may keep rows from being swept.
 */
const looking = sql`DO $$
DECLARE seen text;
BEGIN
  LOOP
    PERFORM pg_sleep(${meanPauseMs} * (0.5 + random()) / 1000);
    COMMIT;
    EXIT WHEN pg_try_advisory_xact_lock(${lockClass}, pg_backend_pid());
    SELECT string_agg(event || '=' || backends, ' ') INTO seen FROM (
      SELECT CASE WHEN wait_event IS NOT NULL THEN wait_event_type || ':' || wait_event WHEN state = 'active' THEN 'CPU' ELSE 'Client:ClientRead' END AS event,
        count(*) AS backends
      FROM pg_stat_get_activity(NULL) WHERE application_name = current_setting('weir.schema') GROUP BY 1) AS look;
    RAISE NOTICE '%', coalesce(seen, '');
  END LOOP;
END $$`.text

/** A backend's own account of the log: kept from version 18 on. */
const ownAccount = `
  SELECT a.pid, a.backend_start::text AS since, sum(b.writes)::float8 AS writes, sum(b.fsyncs)::float8 AS fsyncs,
    sum(b.write_time)::float8 AS "writeMs", sum(b.fsync_time)::float8 AS "fsyncMs"
  FROM pg_stat_get_activity(NULL) AS a, pg_stat_get_backend_io(a.pid) AS b
  WHERE a.application_name = $1 AND b.object = 'wal' GROUP BY a.pid, a.backend_start`

const oldestWithOwnAccount = 180_000

interface LogAccount {
  readonly pid: number
  readonly since: string
  readonly writes: number | null
  readonly fsyncs: number | null
  readonly writeMs: number | null
  readonly fsyncMs: number | null
}

interface Connections {
  readonly looker: pg.Client
  readonly keeper: pg.Client
  /** Number of the looker's backend. */
  readonly pid: number
  readonly version: number
  /** Times of the log's writes are taken. */
  readonly timed: boolean
}

export class PostgresWaits implements WaitWatch {
  private opening: Promise<Connections> | undefined
  private running: Promise<unknown> = Promise.resolve()
  private readonly events = new Map<string, number>()
  private looks = 0
  private seen = 0
  private connectionMs = 0
  /** By backend: its account when its first block began, and now. */
  private readonly logs = new Map<string, { readonly first: LogAccount; last: LogAccount }>()
  private known: Pick<Connections, 'version' | 'timed'> | undefined
  private trouble: string | undefined

  constructor(private readonly address: Pick<StoreAddress, 'url' | 'schema'>) {}

  async begin(): Promise<void> {
    try {
      const { looker, keeper, pid } = await this.connections()
      await this.running
      await this.readLogs()
      await keeper.query('SELECT pg_advisory_lock($1, $2)', [lockClass, pid])
      this.running = looker.query(looking).catch((error: unknown) => this.failed(error))
    } catch (error) {
      await this.failed(error)
    }
  }

  async end({ elapsedMs, connections }: Measured): Promise<void> {
    this.connectionMs += elapsedMs * connections
    const { opening } = this
    if (opening === undefined) return
    try {
      const { keeper, pid } = await opening
      await keeper.query('SELECT pg_advisory_unlock($1, $2)', [lockClass, pid])
      await this.readLogs()
    } catch (error) {
      await this.failed(error)
    }
  }

  report(): WaitReport | undefined {
    const { looks, seen, events } = this
    if (seen === 0) return undefined
    const shares = [...events].sort(([, a], [, b]) => b - a).map(([event, backends]) => [event, backends / seen] as const)
    const kinds = Object.fromEntries(waitKinds.map((kind) => [kind, 0])) as Record<WaitKind, number>
    for (const [event, share] of shares) kinds[kindOf(event)] += share
    return { events: Object.fromEntries(shares), kinds, looks, connections: seen / looks, figures: this.figures(), unknown: this.unknown() }
  }

  async close(): Promise<void> {
    const { opening } = this
    this.opening = undefined
    const connections = await opening?.catch(() => undefined)
    await connections?.keeper.end().catch(() => undefined)
    // Without the lock it ends at its next look.
    await this.running
    await connections?.looker.end().catch(() => undefined)
  }

  private connections(): Promise<Connections> {
    this.opening ??= this.connect()
    return this.opening
  }

  private async connect(): Promise<Connections> {
    const { url, schema } = this.address
    const looker = await connect(url, 'weir waits')
    try {
      const keeper = await connect(url, 'weir waits')
      looker.on('notice', ({ message }) => this.look(message ?? ''))
      const { rows } = await looker.query<{ pid: number; version: number; timed: boolean }>(
        `SELECT pg_backend_pid() AS pid, current_setting('server_version_num')::int AS version,
          coalesce(current_setting('track_wal_io_timing', true), 'off') = 'on' AS timed,
          set_config('weir.schema', $1, false), set_config('statement_timeout', '0', false), set_config('client_min_messages', 'notice', false)`,
        [schema],
      )
      const { pid = 0, version = 0, timed = false } = rows[0] ?? {}
      this.known = { version, timed }
      return { looker, keeper, pid, version, timed }
    } catch (error) {
      await looker.end().catch(() => undefined)
      throw error
    }
  }

  private look(message: string): void {
    this.looks++
    for (const word of message.split(' ').filter(Boolean)) {
      const [event = '', backends = ''] = word.split('=')
      this.events.set(event, (this.events.get(event) ?? 0) + Number(backends))
      this.seen += Number(backends)
    }
  }

  private async readLogs(): Promise<void> {
    const { keeper, version } = await this.connections()
    if (version < oldestWithOwnAccount) return
    const { rows } = await keeper.query<LogAccount>(ownAccount, [this.address.schema])
    for (const row of rows) {
      const key = `${row.pid} ${row.since}`
      const known = this.logs.get(key)
      if (known === undefined) this.logs.set(key, { first: row, last: row })
      else known.last = row
    }
  }

  private figures(): Record<string, number> {
    const total = (name: 'writes' | 'fsyncs' | 'writeMs' | 'fsyncMs') =>
      [...this.logs.values()].reduce((sum, { first, last }) => sum + (last[name] ?? 0) - (first[name] ?? 0), 0)
    const counts = { walWrites: total('writes'), walFsyncs: total('fsyncs') }
    // Nothing was made known yet: that is not nothing.
    if (counts.walWrites === 0) return {}
    if (this.known?.timed !== true) return counts
    const times = { walWriteMs: total('writeMs'), walFsyncMs: total('fsyncMs') }
    return { ...counts, ...times, ...(this.connectionMs > 0 ? { walFsyncShare: times.walFsyncMs / this.connectionMs } : {}) }
  }

  private unknown(): string[] {
    const { known, trouble } = this
    const silent = known?.timed === true && known.version >= oldestWithOwnAccount && this.figures()['walFsyncMs'] === undefined
    return [
      ...(trouble === undefined ? [] : [`the looks at the backends ended early: ${trouble}`]),
      ...(known !== undefined && known.version < oldestWithOwnAccount
        ? ['what fsync of the log took: Postgres keeps an account of it for each backend from version 18 on']
        : []),
      ...(known !== undefined && known.version >= oldestWithOwnAccount && !known.timed
        ? ['what fsync of the log took: track_wal_io_timing is off on this server']
        : []),
      ...(silent ? ['what fsync of the log took: the backends had not made it known yet'] : []),
    ]
  }

  /** What goes wrong here is no trouble of the run's: it is said in the report, and tried anew with the next block. */
  private async failed(error: unknown): Promise<void> {
    this.trouble = explain(error, this.address.url).message
    const { opening } = this
    this.opening = undefined
    const connections = await opening?.catch(() => undefined)
    for (const client of [connections?.looker, connections?.keeper]) await client?.end().catch(() => undefined)
  }
}

/**
 * Of what kind a wait is, by the names in Postgres's documentation (monitoring-stats, wait events). A backend that waits
 * for the lock on the log's writing waits for another one's write or fsync of it, so for the disk.
 */
export function kindOf(event: string): WaitKind {
  if (event === 'CPU') return 'cpu'
  const [type = '', name = ''] = event.split(':')
  if (type === 'Client') return 'client'
  if (type === 'IO' || (type === 'LWLock' && (name === 'WALWrite' || name === 'WALBufMapping'))) return 'disk'
  return type === 'Lock' || type === 'LWLock' || type === 'BufferPin' ? 'lock' : 'other'
}
