/** What the processor's routes answer, for the OpenAPI document and for writing answers. */
const status = (word: string, description: string) => ({
  description,
  type: 'object',
  required: ['status'],
  properties: { status: { type: 'string', enum: [word] } },
})

export const healthSchema = { summary: 'Whether the process answers', security: [], response: { 200: status('ok', 'It does.') } } as const
export const readySchema = {
  summary: 'Whether objects become rows',
  security: [],
  response: {
    200: status('ready', 'They do.'),
    503: {
      description: 'They do not: the store or the objects cannot be reached, or the processor is being stopped.',
      content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
    },
  },
} as const
