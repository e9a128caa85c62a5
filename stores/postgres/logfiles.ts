/** Claims of spooled logfiles by optimistic locking on nginx_logfile.version. */
import type pg from 'pg'
import { type CompactRange, compactRanges, rangesOf, receiptOf } from '../logfile-ranges.js'
import type { Claim, Logfile, Logfiles, Receipt, RegisteredLogfile, StoreAddress } from '../store.js'
import { logfileTable, rejectTable } from './layout.js'
import { id, sql } from './sql.js'
import { StandingConnection } from './standing.js'

interface LogfileRow {
  readonly id: string
  readonly path: string
  readonly ranges: readonly CompactRange[]
  readonly version: number
}

/** Candidates that are read at once: who loses the race for one tries the next. */
const candidates = 8

export class PostgresLogfiles implements Logfiles {
  private readonly connection: StandingConnection
  private turn: Promise<unknown> = Promise.resolve()

  constructor(private readonly address: StoreAddress) {
    this.connection = new StandingConnection(address.url)
  }

  async add({ path, ranges }: Omit<Logfile, 'id'>): Promise<number> {
    const text = sql`INSERT INTO ${this.table} (path, ranges) VALUES ($1, $2) RETURNING id`.text
    const [row] = await this.query<{ id: string }>('add', text, [path, JSON.stringify(compactRanges(ranges))])
    return Number(row?.id)
  }

  async addClaimed(logfile: Logfile, owner: string, leaseMs: number): Promise<Claim | undefined> {
    const text = sql`INSERT INTO ${this.table} (id, path, ranges, state, version, owner, lease_until)
      VALUES ($1, $2, $3, 'claimed', 1, $4, now() + $5 * interval '1 millisecond') ON CONFLICT DO NOTHING RETURNING version`.text
    const ranges = JSON.stringify(compactRanges(logfile.ranges))
    const [row] = await this.query<{ version: number }>('add claimed', text, [logfile.id, logfile.path, ranges, owner, leaseMs])
    return row === undefined ? undefined : { logfile, version: row.version, owner }
  }

  async registered(after: number, most: number): Promise<readonly RegisteredLogfile[]> {
    const text = sql`SELECT id, path, ranges, version, state = 'done' AS done FROM ${this.table} WHERE id > $1 ORDER BY id LIMIT $2`.text
    const rows = await this.query<LogfileRow & { readonly done: boolean }>('registered', text, [after, most])
    return rows.map((row) => ({ ...toLogfile(row), done: row.done }))
  }

  async claim(owner: string, leaseMs: number) {
    // Free are new files and those whose holder has not been heard of; time is the server's alone.
    const free = sql`SELECT id, path, ranges, version FROM ${this.table}
      WHERE state = 'new' OR (state = 'claimed' AND lease_until < now()) ORDER BY id LIMIT ${candidates}`.text
    const take =
      sql`UPDATE ${this.table} SET state = 'claimed', version = version + 1, owner = $3, lease_until = now() + $4 * interval '1 millisecond'
      WHERE id = $1 AND version = $2 AND (state = 'new' OR lease_until < now()) RETURNING version`.text
    for (let conflicts = 0; ; ) {
      const rows = await this.query<LogfileRow>('free', free, [])
      if (rows.length === 0) return { claim: undefined, conflicts }
      for (const row of rows) {
        const [taken] = await this.query<{ version: number }>('take', take, [row.id, row.version, owner, leaseMs])
        if (taken !== undefined) return { claim: { logfile: toLogfile(row), version: taken.version, owner }, conflicts }
        // Somebody else took it or, when its lease had run out, prolonged it. Who loses all of them looks again.
        conflicts++
      }
    }
  }

  async renew({ logfile, version }: Claim, leaseMs: number): Promise<boolean> {
    const text = sql`UPDATE ${this.table} SET lease_until = now() + $3 * interval '1 millisecond'
      WHERE id = $1 AND version = $2 AND state = 'claimed' RETURNING id`.text
    return (await this.query('renew', text, [logfile.id, version, leaseMs])).length === 1
  }

  async backlog(): Promise<number> {
    const [row] = await this.query<{ files: string }>(
      'backlog',
      sql`SELECT count(*) AS files FROM ${this.table} WHERE state <> 'done'`.text,
      [],
    )
    return Number(row?.files)
  }

  async outcomes(ids: readonly number[]) {
    const done = sql`SELECT id, path, ranges, version FROM ${this.table} WHERE id = ANY($1) AND state = 'done'`.text
    const rejected =
      sql`SELECT position, reason FROM ${id(this.address.schema, rejectTable)} WHERE source = $1 AND position >= $2 AND position < $3 ORDER BY position`
        .text
    const outcomes: { readonly id: number; readonly receipt: Receipt }[] = []
    for (const row of await this.query<LogfileRow>('done', done, [ids])) {
      const file = toLogfile(row)
      const receipt: Receipt[] = []
      for (const range of file.ranges) {
        const { source, first, count } = range
        const rejects = await this.query<{ position: string; reason: string }>('rejected', rejected, [source, first, first + count])
        receipt.push(receiptOf(range, rejects))
      }
      outcomes.push({ id: file.id, receipt: receipt.flat() })
    }
    return outcomes
  }

  close(): Promise<void> {
    return this.connection.close()
  }

  private get table() {
    return id(this.address.schema, logfileTable)
  }

  /** One statement after the other: an instance's loops share the connection, which takes one at a time. */
  private query<R extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<R[]> {
    const answer = this.turn.then(() => this.connection.ask(async (client) => (await client.query<R>({ name, text, values })).rows))
    this.turn = answer.catch(() => undefined)
    return answer
  }
}

function toLogfile({ id: number, path, ranges }: LogfileRow): Logfile {
  return { id: Number(number), path, ranges: rangesOf(ranges) }
}
