/** What the receiver's routes take and answer, for the OpenAPI document and for writing answers. */
import { rejectReasons } from '../../generators/record.js'
import { acknowledgements } from './intake.js'

/** Rejected lines that an answer names at the most. */
export const toldRejects = 100

const problem = (description: string) => ({ description, content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } } })

export const linesSchema = {
  summary: 'Takes lines in',
  description:
    'The body is lines, each ended by a newline, sent as they are or as gzip (zstd where the Node that serves has it). A range of records that was sent before, named by the same source, first position and number of lines, is acknowledged again and stored once.',
  consumes: ['text/plain', 'application/x-ndjson'],
  headers: {
    type: 'object',
    properties: {
      'weir-source': {
        type: 'string',
        description:
          'Number of the source, 0 to 2147483647. Without it the records get an identity of the receiver, and a request that is sent again is stored again.',
      },
      'weir-first': { type: 'string', description: 'Position of the first line in its source. Goes with Weir-Source.' },
      'weir-format': { type: 'string', description: 'Of text/plain: combined (default) or common.' },
    },
  },
  response: {
    202: {
      description: 'As safe as `acknowledged` says.',
      type: 'object',
      required: ['accepted', 'rejected', 'rejects', 'source', 'first', 'duplicate', 'acknowledged'],
      properties: {
        accepted: { type: 'integer', description: 'Lines that are records.' },
        rejected: { type: 'integer', description: 'Lines that are none. They are kept, and become rejects with their reason.' },
        rejects: {
          type: 'array',
          description: `The first ${toldRejects} of them.`,
          items: {
            type: 'object',
            properties: {
              line: { type: 'integer', description: 'Counted from 0 in the body.' },
              reason: { type: 'string', enum: rejectReasons },
            },
          },
        },
        source: { type: 'integer' },
        first: { type: 'integer' },
        duplicate: { type: 'boolean', description: 'All of it had been taken before.' },
        acknowledged: {
          type: 'string',
          enum: acknowledgements,
          description: 'What lies where: in memory, in the write-ahead log, in an object.',
        },
      },
    },
    400: problem('No lines, headers that are wrong, or a body that is not of its encoding.'),
    401: problem('No token, or another.'),
    408: problem('The request took too long to come.'),
    409: problem('Some of the records were sent before, and others not.'),
    413: problem('The body is too large, as it is sent or unpacked.'),
    415: problem('Another content type or encoding.'),
    429: problem('Too many requests from this address.'),
    503: problem('As much waits to be stored as may be held, or the receiver is being stopped.'),
  },
} as const

const status = (word: string, description: string) => ({
  description,
  type: 'object',
  required: ['status'],
  properties: { status: { type: 'string', enum: [word] } },
})

export const healthSchema = { summary: 'Whether the process answers', security: [], response: { 200: status('ok', 'It does.') } } as const
export const readySchema = {
  summary: 'Whether lines are taken',
  security: [],
  response: { 200: status('ready', 'They are.'), 503: problem('They are not: the receiver is being stopped.') },
} as const
