/** The routes of the analytics service: a question each. */
import type { FastifyInstance } from 'fastify'
import type { Analytics, HitStep, Page, TimeSpan, TopField } from '../../stores/analytics.js'
import { isAddress } from '../../stores/analytics-values.js'
import { Problem } from '../problem.js'
import { hitsSchema, latestSchema, loginsSchema, statusesSchema, topSchema, visitorsSchema } from './schemas.js'

/** Asks the store something, with all that can go wrong turned into problems. */
export type Ask = <T>(question: (analytics: Analytics) => Promise<T>) => Promise<T>

/** The same for a caller, who may go away before it is their turn. */
export type AskFor = <T>(caller: AbortSignal, question: (analytics: Analytics) => Promise<T>) => Promise<T>

interface Span {
  readonly from?: string
  readonly to?: string
}

export function questions(app: FastifyInstance, ask: AskFor): void {
  app.get<{ Querystring: Span & Page & { readonly step: HitStep } }>('/v1/hits', { schema: hitsSchema }, async ({ query, signal }) => {
    const span = spanOf(query)
    const found = await ask(signal, (analytics) => analytics.hits(span, query.step, oneMore(query)))
    return paged(
      found.map(({ atMs, hits, bytes }) => ({ at: iso(atMs), hits, bytes })),
      query,
    )
  })

  app.get<{ Querystring: Span & Page; Params: { readonly field: TopField } }>(
    '/v1/top/:field',
    { schema: topSchema },
    async ({ query, params, signal }) => {
      const span = spanOf(query)
      return paged(await ask(signal, (analytics) => analytics.top(params.field, span, oneMore(query))), query)
    },
  )

  app.get<{ Querystring: Span & Page }>('/v1/statuses', { schema: statusesSchema }, async ({ query, signal }) => {
    const span = spanOf(query)
    const found = await ask(signal, (analytics) => analytics.statuses(span))
    const total = (from: number) => found.reduce((sum, { status, hits }) => sum + (status >= from && status < 600 ? hits : 0), 0)
    const hits = found.reduce((sum, entry) => sum + entry.hits, 0)
    const [errors, serverErrors] = [total(400), total(500)]
    const rate = (count: number) => (hits === 0 ? null : count / hits)
    const totals = { hits, errors, errorRate: rate(errors), serverErrors, serverErrorRate: rate(serverErrors) }
    return { ...paged(found.slice(query.offset), query), totals }
  })

  app.get<{ Querystring: Span }>('/v1/visitors', { schema: visitorsSchema }, async ({ query, signal }) => {
    const span = spanOf(query)
    return paged([{ visitors: await ask(signal, (analytics) => analytics.visitors(span)) }], { limit: 1, offset: 0 })
  })

  app.get<{ Querystring: Span & Page; Params: { readonly address: string } }>(
    '/v1/addresses/:address/latest',
    { schema: latestSchema },
    async ({ query, params: { address }, signal }) => {
      if (!isAddress(address)) throw new Problem(400, 'The address is none: write IPv4 as 203.0.113.7, or IPv6 as 2001:db8::7.')
      const span = spanOf(query)
      const found = await ask(signal, (analytics) => analytics.latest(address, span, oneMore(query)))
      return paged(
        found.map(({ createdAtMs, ...line }) => ({ ...line, createdAt: iso(createdAtMs) })),
        query,
      )
    },
  )

  app.get<{ Querystring: Span & Page }>('/v1/logins', { schema: loginsSchema }, async ({ query, signal }) => {
    const span = spanOf(query)
    const found = await ask(signal, (analytics) => analytics.logins(span, oneMore(query)))
    return paged(
      found.map(({ lastMs, ...login }) => ({ ...login, last: iso(lastMs) })),
      query,
    )
  })
}

/** One entry more than asked for says whether there is another page. */
function oneMore({ limit, offset }: Page): Page {
  return { limit: limit + 1, offset }
}

/** @param found the page's entries, and perhaps more */
function paged<T>(found: readonly T[], { limit, offset }: Page) {
  return { data: found.slice(0, limit), page: { limit, offset, next: found.length > limit ? offset + limit : null } }
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

function spanOf({ from, to }: Span): TimeSpan {
  const span = { fromMs: instant('from', from), toMs: instant('to', to) }
  if (span.fromMs !== null && span.toMs !== null && span.fromMs > span.toMs) throw new Problem(400, 'The parameter "from" lies after "to".')
  return span
}

function instant(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = Date.parse(text)
  // Date.parse takes the 30th of February for the 2nd of March, and 24:00 for the next day.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 16) !== `${text}T00:00`.slice(0, 16)) {
    throw new Problem(400, `The parameter "${name}" is no time that the calendar has.`)
  }
  return ms
}
