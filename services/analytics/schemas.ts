/** What the analytics service takes and gives, as JSON Schema: validated on the way in, serialized by on the way out, and published. */
import { hitSteps, topFields } from '../../stores/analytics.js'
import { problemType } from '../problem.js'

export const largestLimit = 1_000
const defaultLimit = 100

const instant = {
  type: 'string',
  // Whether the calendar has it is asked afterwards.
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,3})?)?Z)?$',
} as const

const span = {
  from: { ...instant, description: 'Beginning, inclusive: ISO 8601 in UTC, such as 2026-01-31 or 2026-01-31T12:00:00Z.' },
  to: { ...instant, description: 'End, exclusive: ISO 8601 in UTC.' },
} as const

const page = {
  limit: { type: 'integer', minimum: 1, maximum: largestLimit, default: defaultLimit, description: 'Largest number of entries.' },
  offset: { type: 'integer', minimum: 0, maximum: 1_000_000_000, default: 0, description: 'Entries to leave out at the beginning.' },
} as const

/** Parameters, of which no others are taken. */
function parameters<const P extends Readonly<Record<string, object>>>(properties: P, required: readonly string[] = []) {
  return { type: 'object', additionalProperties: false, properties, required } as const
}

const count = { type: 'integer', minimum: 0 } as const
const bytes = { ...count, description: 'Bytes sent. A whole number, which may be too large for a double.' } as const
const time = { type: 'string', format: 'date-time' } as const
const text = { type: 'string' } as const
const textOrNull = { type: ['string', 'null'] } as const
const share = { type: ['number', 'null'], minimum: 0, maximum: 1, description: 'Null when there were no hits.' } as const

function object(properties: Readonly<Record<string, object>>) {
  return { type: 'object', required: Object.keys(properties), additionalProperties: false, properties }
}

/** Answers are lists with the page that they are. */
function answer(description: string, entry: Readonly<Record<string, object>>, more: Readonly<Record<string, object>> = {}) {
  return {
    200: {
      description,
      content: {
        'application/json': {
          schema: object({
            data: { type: 'array', items: object(entry) },
            ...more,
            page: object({
              limit: count,
              offset: count,
              next: { type: ['integer', 'null'], description: 'Offset of the next page; null on the last one.' },
            }),
          }),
        },
      },
    },
    ...problems([400, 401, 503]),
  }
}

const sentences: Readonly<Record<number, string>> = {
  400: 'A parameter is wrong, or is none.',
  401: 'The token is missing or wrong.',
  503: 'The store cannot answer at the moment, or has too many questions.',
}

function problems(statuses: readonly number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: sentences[status] ?? '', content: { [problemType]: { schema: { $ref: 'Problem#' } } } },
    ]),
  )
}

export const hitsSchema = {
  operationId: 'hits',
  summary: 'Hits and bytes per minute, hour or day, in the order of time.',
  description: 'Stretches without hits are left out.',
  querystring: parameters({
    ...span,
    step: { type: 'string', enum: hitSteps, default: 'hour', description: 'Length of a stretch.' },
    ...page,
  }),
  response: answer('Stretches with hits.', { at: time, hits: count, bytes }),
}

export const topSchema = {
  operationId: 'top',
  summary: 'The most frequent paths, addresses or agents, most hits first.',
  params: parameters({ field: { type: 'string', enum: topFields, description: 'What is counted.' } }, ['field']),
  querystring: parameters({ ...span, ...page }),
  response: answer('Values with their hits; null: the log has none.', { value: textOrNull, hits: count, bytes }),
}

export const statusesSchema = {
  operationId: 'statuses',
  summary: 'Hits by status, and the share of errors.',
  querystring: parameters({ ...span, ...page }),
  response: answer(
    'Statuses with their hits; the totals are of the whole span.',
    { status: { type: 'integer' }, hits: count },
    {
      totals: object({
        hits: count,
        errors: { ...count, description: 'Answered by 4xx or 5xx.' },
        errorRate: share,
        serverErrors: { ...count, description: 'Answered by 5xx.' },
        serverErrorRate: share,
      }),
    },
  ),
}

export const visitorsSchema = {
  operationId: 'visitors',
  summary: 'Distinct visitors: pairs of address and agent.',
  querystring: parameters(span),
  response: answer('One entry.', { visitors: count }),
}

export const latestSchema = {
  operationId: 'latest',
  summary: 'The latest lines of an address, newest first.',
  params: parameters({ address: { type: 'string', maxLength: 45, description: 'IPv4 or IPv6, in any of its forms.' } }, ['address']),
  querystring: parameters({ ...span, ...page }),
  response: answer('Lines.', {
    source: { type: 'integer' },
    position: count,
    createdAt: time,
    method: text,
    path: text,
    protocol: text,
    status: { type: 'integer' },
    bytes: { ...bytes, nullable: true },
    referrer: textOrNull,
    userAgent: textOrNull,
    user: textOrNull,
  }),
}

export const loginsSchema = {
  operationId: 'logins',
  summary: 'Logins by user and location, most first.',
  description: 'A login is a POST to /login; its user is named by its line or by a later one of the same address and agent within a day.',
  querystring: parameters({ ...span, ...page }),
  response: answer('Users and the networks that they logged in from; null: no line said who it was.', {
    user: textOrNull,
    location: { ...text, description: 'Network of the address: /16 of IPv4, /32 of IPv6.' },
    logins: { ...count, description: 'Attempts, failures included.' },
    failures: { ...count, description: 'Answered by 400 or above.' },
    last: time,
  }),
}

const state = (description: string, status: string) => ({
  200: { description, content: { 'application/json': { schema: object({ status: { type: 'string', enum: [status] } }) } } },
})

export const healthSchema = {
  operationId: 'health',
  summary: 'Whether the service runs.',
  security: [],
  querystring: parameters({}),
  response: state('It runs.', 'ok'),
}

export const readySchema = {
  operationId: 'ready',
  summary: 'Whether the store answers.',
  security: [],
  querystring: parameters({}),
  response: { ...state('It does.', 'ready'), ...problems([503]) },
}

/**
 * The document as OpenAPI 3.1 has it. A whole number beyond 53 bits that may be null is written by `nullable` alone, which that
 * version has not: there null is one of the types.
 */
export function published<T>(document: T): T {
  return JSON.parse(JSON.stringify(document), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('nullable' in value)) return value
    const { nullable, ...schema } = value as { readonly nullable: unknown; readonly type?: string }
    return nullable === true ? { ...schema, type: [schema.type, 'null'] } : schema
  }) as T
}
