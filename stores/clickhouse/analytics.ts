/** Answers the named questions from ClickHouse, over a client of its own; every value is a parameter of the query. */
import { isIPv4 } from 'node:net'
import type { ClickHouseClient } from '@clickhouse/client'
import {
  type Analytics,
  type HitStep,
  type Hits,
  type LatestLine,
  type Logins,
  loginMemoryMs,
  type Page,
  patienceMs,
  type StatusCount,
  type TimeSpan,
  type Top,
  type TopField,
} from '../analytics.js'
import { canonicalAddress, canonicalNetwork, spanSeconds, whole } from '../analytics-values.js'
import { hitsQuery, latestQuery, loginsQuery, statusesQuery, topQuery, visitorsQuery } from './analytics-sql.js'

const stepSeconds: Readonly<Record<HitStep, number>> = { minute: 60, hour: 3_600, day: 86_400 }

export interface ClickHouseAnalyticsOptions {
  /** Taken over: closed with the answerer. */
  readonly client: ClickHouseClient
  readonly database: string
  /** Makes the client's errors readable. */
  explain?(error: unknown): Error
}

export class ClickHouseAnalytics implements Analytics {
  constructor(private readonly options: ClickHouseAnalyticsOptions) {}

  async hits(span: TimeSpan, step: HitStep, page: Page): Promise<readonly Hits[]> {
    const rows = await this.ask<{ at: number; hits: string; total: string }>(hitsQuery, span, { step: stepSeconds[step], ...page })
    return rows.map(({ at, hits, total }) => ({ atMs: Number(at) * 1000, hits: Number(hits), bytes: whole(total) }))
  }

  async top(field: TopField, span: TimeSpan, page: Page): Promise<readonly Top[]> {
    const rows = await this.ask<{ value: string | null; hits: string; total: string }>(topQuery(field), span, { ...page })
    return rows.map(({ value, hits, total }) => ({
      value: field === 'address' && value !== null ? canonicalAddress(value) : value,
      hits: Number(hits),
      bytes: whole(total),
    }))
  }

  async statuses(span: TimeSpan): Promise<readonly StatusCount[]> {
    const rows = await this.ask<{ status: number; hits: string }>(statusesQuery, span)
    return rows.map(({ status, hits }) => ({ status, hits: Number(hits) }))
  }

  async visitors(span: TimeSpan): Promise<number> {
    const [row] = await this.ask<{ visitors: string }>(visitorsQuery, span)
    return Number(row?.visitors)
  }

  async latest(address: string, span: TimeSpan, page: Page): Promise<readonly LatestLine[]> {
    const canonical = canonicalAddress(address)
    const rows = await this.ask<LatestRow>(latestQuery, span, {
      address: isIPv4(canonical) ? `::ffff:${canonical}` : canonical,
      ...page,
    })
    return rows.map(({ position, at, size, agent, name, ...row }) => ({
      source: row.source,
      position: Number(position),
      createdAtMs: at * 1000,
      method: row.method,
      path: row.path,
      protocol: row.protocol,
      status: row.status,
      bytes: size === null ? null : whole(size),
      referrer: row.referrer,
      userAgent: agent,
      user: name,
    }))
  }

  async logins(span: TimeSpan, page: Page): Promise<readonly Logins[]> {
    const end = spanSeconds(span).to + loginMemoryMs / 1000
    const rows = await this.ask<{ user: string | null; location: string; logins: string; failures: string; last: number }>(
      loginsQuery,
      span,
      { end, ...page },
    )
    return rows.map(({ user, location, logins, failures, last }) => ({
      user,
      location: canonicalNetwork(location, 16, 32),
      logins: Number(logins),
      failures: Number(failures),
      lastMs: last * 1000,
    }))
  }

  async close(): Promise<void> {
    await this.options.client.close()
  }

  private async ask<T>(query: string, span: TimeSpan, values: Readonly<Record<string, string | number>> = {}): Promise<T[]> {
    const { client, database, explain } = this.options
    try {
      const answer = await client.query({
        query,
        format: 'JSONEachRow',
        query_params: { database, ...spanSeconds(span), ...values },
        clickhouse_settings: { output_format_json_quote_64bit_integers: 1, max_execution_time: patienceMs / 1000 },
      })
      return await answer.json<T>()
    } catch (error) {
      throw explain === undefined ? error : explain(error)
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
  readonly size: string | null
  readonly referrer: string | null
  readonly agent: string | null
  readonly name: string | null
}
