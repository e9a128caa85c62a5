/** Errors of HTTP services as problem documents (RFC 9457). */
import { STATUS_CODES } from 'node:http'

export const problemType = 'application/problem+json'

/** An answer that is an error; its message is the sentence for the caller. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.name = 'Problem'
  }

  /** The document. `about:blank`: the status says it all, and the detail is for a person. */
  document(): ProblemDocument {
    return { type: 'about:blank', title: STATUS_CODES[this.status] ?? 'Error', status: this.status, detail: this.message }
  }
}

export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
}

/** JSON Schema of the document. */
export const problemSchema = {
  $id: 'Problem',
  type: 'object',
  description: 'A problem document, RFC 9457.',
  required: ['type', 'title', 'status', 'detail'],
  additionalProperties: false,
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What was wrong, for a person.' },
  },
} as const
