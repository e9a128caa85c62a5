/** Answers the named questions from Postgres, over a few connections of its own, by plain scans of the months in the span. */
import { isIPv4 } from 'node:net'
import pg from 'pg'
import {
  type Analytics,
  type HitStep,
  type Hits,
  type LatestLine,
  type Logins,
  type Page,
  patienceMs,
  questionsAtOnce,
  type StatusCount,
  type TimeSpan,
  type Top,
  type TopField,
} from '../analytics.js'
import { canonicalAddress, canonicalNetwork, spanSeconds, whole } from '../analytics-values.js'
import { hitsQuery, latestQuery, loginsQuery, statusesQuery, topQuery, visitorsQuery } from './analytics-sql.js'
import { explain } from './connect.js'

/** Above the server's own limit: for a server that does not answer at all. */
const silenceMs = patienceMs + 5_000
const connectMs = 5_000

export class PostgresAnalytics implements Analytics {
  private readonly pool: pg.Pool
  private ending: Promise<void> | undefined

  /** Connects when first asked. */
  constructor(private readonly address: { readonly url: string; readonly schema: string }) {
    this.pool = new pg.Pool({
      connectionString: address.url,
      application_name: 'weir analytics',
      max: questionsAtOnce,
      connectionTimeoutMillis: connectMs,
      query_timeout: silenceMs,
      // Asked of the session, since poolers in between take no parameters at the start.
      onConnect: async (client) => {
        await client.query(`SET statement_timeout = ${patienceMs}; SET default_transaction_read_only = on`)
      },
    })
    // A connection that breaks while nobody asks must not end the process; the pool opens another one.
    this.pool.on('error', () => undefined)
  }

  async hits(span: TimeSpan, step: HitStep, page: Page): Promise<readonly Hits[]> {
    const rows = await this.ask<{ at: number; hits: string; bytes: string }>(hitsQuery(this.address.schema), span, [
      `1 ${step}`,
      ...paged(page),
    ])
    return rows.map(({ at, hits, bytes }) => ({ atMs: at * 1000, hits: Number(hits), bytes: whole(bytes) }))
  }

  async top(field: TopField, span: TimeSpan, page: Page): Promise<readonly Top[]> {
    const rows = await this.ask<{ value: string | null; hits: string; bytes: string }>(
      topQuery(this.address.schema, field),
      span,
      paged(page),
    )
    return rows.map(({ value, hits, bytes }) => ({
      value: field === 'address' && value !== null ? canonicalAddress(value) : value,
      hits: Number(hits),
      bytes: whole(bytes),
    }))
  }

  async statuses(span: TimeSpan): Promise<readonly StatusCount[]> {
    const rows = await this.ask<{ status: number; hits: string }>(statusesQuery(this.address.schema), span)
    return rows.map(({ status, hits }) => ({ status, hits: Number(hits) }))
  }

  async visitors(span: TimeSpan): Promise<number> {
    const [row] = await this.ask<{ visitors: string }>(visitorsQuery(this.address.schema), span)
    return Number(row?.visitors)
  }

  async latest(address: string, span: TimeSpan, page: Page): Promise<readonly LatestLine[]> {
    const canonical = canonicalAddress(address)
    const forms = isIPv4(canonical) ? [canonical, `::ffff:${canonical}`] : [canonical]
    const rows = await this.ask<LatestRow>(latestQuery(this.address.schema), span, [forms, ...paged(page)])
    return rows.map(({ position, at, bytes, agent, name, ...row }) => ({
      source: row.source,
      position: Number(position),
      createdAtMs: at * 1000,
      method: row.method,
      path: row.path,
      protocol: row.protocol,
      status: row.status,
      bytes: bytes === null ? null : whole(bytes),
      referrer: row.referrer,
      userAgent: agent,
      user: name,
    }))
  }

  async logins(span: TimeSpan, page: Page): Promise<readonly Logins[]> {
    const rows = await this.ask<{ name: string | null; location: string; logins: string; failures: string; last: number }>(
      loginsQuery(this.address.schema),
      span,
      paged(page),
    )
    return rows.map(({ name, location, logins, failures, last }) => ({
      user: name,
      location: canonicalNetwork(location, 16, 32),
      logins: Number(logins),
      failures: Number(failures),
      lastMs: last * 1000,
    }))
  }

  close(): Promise<void> {
    this.ending ??= this.pool.end()
    return this.ending
  }

  /** @throws PostgresError */
  private async ask<T extends pg.QueryResultRow>(text: string, span: TimeSpan, values: readonly unknown[] = []): Promise<T[]> {
    const { from, to } = spanSeconds(span)
    try {
      return (await this.pool.query<T>(text, [from, to, ...values])).rows
    } catch (error) {
      throw explain(error, this.address.url)
    }
  }
}

interface LatestRow {
  readonly source: number
  readonly position: string
  readonly at: number
  readonly method: string
  readonly path: string
  readonly protocol: string
  readonly status: number
  readonly bytes: string | null
  readonly referrer: string | null
  readonly agent: string | null
  readonly name: string | null
}

function paged({ limit, offset }: Page): readonly number[] {
  return [limit, offset]
}
