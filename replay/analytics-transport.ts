/** How a question reaches the analytics side: in the same process, or over HTTP. */
import type { Analytics } from '../stores/analytics.js'
import { abortable } from '../targets/abortable.js'
import type { NamedQuery } from './analytics-mix.js'

export interface AnalyticsTransport {
  /** Resolves once the whole answer has come. @throws Error that says what was wrong */
  ask(query: NamedQuery, signal: AbortSignal): Promise<void>
}

/** Asks the store itself. An aborted question is not waited for; the store may still work on it. */
export class DirectTransport implements AnalyticsTransport {
  constructor(private readonly analytics: Analytics) {}

  async ask(query: NamedQuery, signal: AbortSignal): Promise<void> {
    await abortable<unknown>(this.answer(query), signal)
  }

  private answer(query: NamedQuery): Promise<unknown> {
    const { analytics } = this
    switch (query.name) {
      case 'hits':
        return analytics.hits(query.span, query.step, query.page)
      case 'top':
        return analytics.top(query.field, query.span, query.page)
      case 'statuses':
        return analytics.statuses(query.span)
      case 'visitors':
        return analytics.visitors(query.span)
      case 'latest':
        return analytics.latest(query.address, query.span, query.page)
      case 'logins':
        return analytics.logins(query.span, query.page)
    }
  }
}

/** Asks the service of `weir serve analytics`. */
export class HttpTransport implements AnalyticsTransport {
  /**
   * @param base 'http://127.0.0.1:8080'
   * @param token sent as a bearer token, when the service asks for one
   */
  constructor(
    private readonly base: string,
    private readonly token?: string,
  ) {}

  async ask(query: NamedQuery, signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }
    const response = await fetch(new URL(pathOf(query), this.base), { headers, signal })
    const body = await response.arrayBuffer()
    if (response.ok) return
    const said = Buffer.from(body).toString().slice(0, 200)
    throw new Error(`the analytics service answered ${response.status} to ${query.name}: ${said}`)
  }
}

/** Path and query string of a question, times as ISO 8601. */
export function pathOf(query: NamedQuery): string {
  const parameters = new URLSearchParams()
  const { fromMs, toMs } = query.span
  if (fromMs !== null) parameters.set('from', new Date(fromMs).toISOString())
  if (toMs !== null) parameters.set('to', new Date(toMs).toISOString())
  if (query.name === 'hits') parameters.set('step', query.step)
  if ('page' in query) {
    parameters.set('limit', String(query.page.limit))
    if (query.page.offset > 0) parameters.set('offset', String(query.page.offset))
  }
  return `/v1/${placeOf(query)}?${parameters}`
}

function placeOf(query: NamedQuery): string {
  if (query.name === 'top') return `top/${query.field}`
  if (query.name === 'latest') return `addresses/${encodeURIComponent(query.address)}/latest`
  return query.name
}
