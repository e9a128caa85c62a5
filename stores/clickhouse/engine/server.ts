/** A server that speaks ClickHouse's HTTP protocol, as far as its clients need it, for the engine in this process. */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { Answer } from './answers.js'
import { bodyOf } from './encodings.js'
import type { Engine, Work } from './engine.js'
import { failures, type Teller, tell } from './failures.js'
import { isOn, parametersOf } from './parameters.js'
import { parseStatement } from './statement.js'

/** A statement and data within it that come as a body; data with its statement in the URL has no limit. */
const maxStatementBytes = 64e6

export interface Account {
  readonly user: string
  readonly password: string
}

/** @param teller who speaks in the texts of errors */
export function serverFor(engine: Engine, account: Account, teller: Teller): Server {
  const server = createServer({
    maxHeaderSize: 1 << 20,
    keepAliveTimeout: 30_000,
    requestTimeout: 0,
    highWaterMark: 1 << 18,
    noDelay: true,
  })
  server.on('request', (request, response) => {
    response.on('error', () => undefined)
    request.on('error', () => undefined)
    serve(engine, account, teller, request, response).catch((error) => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
      response.destroy()
    })
  })
  return server
}

async function serve(engine: Engine, account: Account, teller: Teller, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams: search } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/ping' || pathname === '/replicas_status') return plainly(request, response, 200, 'Ok.\n')
  if (pathname !== '/') return plainly(request, response, 404, `There is no handle ${pathname}\n\nUse / or /ping.\n`)
  if (request.method !== 'GET' && request.method !== 'POST') return plainly(request, response, 501, `${request.method} is not supported\n`)
  const answer = new Answer(request, response, search, search.get('query_id') || randomUUID())
  try {
    authenticate(account, request, search)
    await run(engine, request, search, answer)
    answer.end()
  } catch (error) {
    // What the client still has to say is of no use, but it would not hear the answer before it has said it.
    request.resume()
    answer.fail(tell(error, teller))
  }
}

async function run(engine: Engine, request: IncomingMessage, search: URLSearchParams, answer: Answer): Promise<void> {
  const parameters = parametersOf(search)
  const body = bodyOf(request)
  const given = Buffer.from(search.get('query') ?? '')
  // One character for each byte: data behind the statement may be anything.
  let text = given.toString('latin1')
  let statement = parseStatement(text)
  const streamed = statement.kind === 'insert'
  if (!streamed) {
    const rest = await wholeOf(body)
    if (rest.length > 0) text += `${text === '' ? '' : '\n'}${rest.toString('latin1')}`
    statement = parseStatement(text)
  }
  if (text.trim() === '') throw failures.empty()
  if (statement.several) throw failures.several()
  if (statement.fromInput) throw failures.input()
  if (isOn(statement.settings.get('async_insert'))) throw failures.asynchronous()
  const sessionId = search.get('session_id')
  const work: Work = {
    sql: Buffer.from(text.slice(0, statement.head), 'latin1').toString(),
    statement,
    parameters,
    database: search.get('database') || header(request, 'x-clickhouse-database') || undefined,
    session: sessionId ? { id: sessionId, timeoutSeconds: Number(search.get('session_timeout') ?? 60) || 60 } : undefined,
    format: search.get('default_format') || header(request, 'x-clickhouse-format') || 'TabSeparated',
  }
  const data = Buffer.from(text.slice(statement.data), 'latin1')
  if (statement.kind !== 'insert') return engine.answer(work, answer)
  // VALUES that are there already are SQL, which the engine reads best itself.
  if (statement.format === 'Values' && data.some((byte) => byte > 32)) {
    return engine.answer({ ...work, sql: Buffer.from(text, 'latin1').toString() }, answer)
  }
  return engine.insert(work, data, body, answer)
}

/** @throws Failure when it is too long, or breaks off */
async function wholeOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxStatementBytes) throw failures.tooLarge(maxStatementBytes)
  }
  return Buffer.concat(chunks)
}

/** @throws Failure when user and password are not the account's */
function authenticate({ user, password }: Account, request: IncomingMessage, search: URLSearchParams): void {
  const [, encoded] = /^Basic (.*)$/i.exec(request.headers.authorization ?? '') ?? []
  const basic = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded ?? '', 'base64').toString())
  const givenUser = header(request, 'x-clickhouse-user') ?? basic?.[1] ?? search.get('user') ?? 'default'
  const givenPassword = header(request, 'x-clickhouse-key') ?? basic?.[2] ?? search.get('password') ?? ''
  // Compared by digest, so that neither length nor beginning shows in the time it takes.
  const digest = (text: string) => createHash('sha256').update(text).digest()
  if (!timingSafeEqual(digest(`${givenUser}\0${givenPassword}`), digest(`${user}\0${password}`))) throw failures.authentication(givenUser)
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function plainly(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  request.resume()
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8')
  response.end(text)
}
