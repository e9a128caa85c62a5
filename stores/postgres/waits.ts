/** What the backends that write a run's rows wait for: looked at by the server itself, and what fsync of the log took. */
import type pg from 'pg'
import type { Measured, StoreAddress, WaitKind, WaitReport, WaitWatch } from '../store.js'
import { waitKinds } from '../store.js'
import { connect, explain } from './connect.js'
import { LogAccount } from './log-account.js'
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

interface Connections {
  readonly looker: pg.Client
  readonly keeper: pg.Client
  /** Number of the looker's backend. */
  readonly pid: number
}

export class PostgresWaits implements WaitWatch {
  private opening: Promise<Connections> | undefined
  private running: Promise<unknown> = Promise.resolve()
  private readonly events = new Map<string, number>()
  private looks = 0
  private seen = 0
  private connectionMs = 0
  private log: LogAccount | undefined
  private trouble: string | undefined

  constructor(private readonly address: Pick<StoreAddress, 'url' | 'schema'>) {}

  async begin(): Promise<void> {
    try {
      const { looker, keeper, pid } = await this.connections()
      await this.running
      await this.log?.begin(keeper)
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
      await this.log?.end(keeper)
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
    return {
      events: Object.fromEntries(shares),
      kinds,
      looks,
      connections: seen / looks,
      figures: this.log?.figures(this.connectionMs) ?? {},
      unknown: this.unknown(),
    }
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
      this.log ??= new LogAccount({ schema, version, timed })
      return { looker, keeper, pid }
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

  private unknown(): readonly string[] {
    const { trouble, log } = this
    return [...(trouble === undefined ? [] : [`the looks at the backends ended early: ${trouble}`]), ...(log?.unknown() ?? [])]
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
