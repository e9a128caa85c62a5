/** What goes wrong with a ClickHouse server: what was wrong, where, and what to do, and never a password. */
import { redactUrl } from '../url.js'

/** Characters that are quoted of what a server or the net says. */
const longest = 400

/** How far a request came: never sent, sent and not answered, or refused by the server with a code of its own. */
export type Reach = 'unsent' | 'unanswered' | 'refused'

/** What went wrong with a server, for the person at the terminal. */
export class ClickHouseStoreError extends Error {
  constructor(
    message: string,
    readonly reach: Reach,
    /** ClickHouse's own code, where it gave one. */
    readonly code: number | undefined = undefined,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'ClickHouseStoreError'
  }
}

const ofTheNet: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is the server running, and is the port that of HTTP (8123, unless it was changed)?',
  ENOTFOUND: 'that host has no address: check its name',
  EAI_AGAIN: 'that host has no address: check its name',
  ETIMEDOUT: 'it did not answer: check host, port and firewall',
  ECONNRESET: 'the server closed the connection: its log says why',
  EPIPE: 'the server closed the connection: its log says why',
  EPROTO: 'it does not speak TLS there: write http:// instead, or name the port of HTTPS',
}

/** Failures before anything was sent. */
const unsent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EPROTO', 'EHOSTUNREACH', 'ENETUNREACH']

/** By ClickHouse's codes, see its ErrorCodes.cpp. */
const ofTheServer: Readonly<Record<number, string>> = {
  81: 'that database does not exist: create it, or leave it out of the URL, since Weir makes databases of its own',
  115: 'this server does not know a setting that the URL asks for: leave it out',
  164: 'the user may only read: name one who may create databases',
  192: 'user or password is wrong: put the right ones into the URL, http://user:password@host:8123',
  193: 'user or password is wrong: put the right ones into the URL, http://user:password@host:8123',
  194: 'it wants a password: put it into the URL, http://user:password@host:8123',
  195: 'it does not let this user in from here: check the networks in its users.xml',
  202: 'it runs as many queries as it may: raise max_concurrent_queries, or use fewer workers',
  241: 'it has not enough memory for that: raise max_memory_usage, or give it smaller batches',
  243: 'its disk is full: free some space',
  252: 'it has too many parts to merge: give it larger batches',
  291: 'the user may not use that database: allow_databases in its users.xml must let it',
  497: 'the user may not do that: GRANT CREATE DATABASE, CREATE TABLE, DROP, INSERT, SELECT, ALTER ON *.* TO ...',
  516: 'user or password is wrong: put the right ones into the URL, http://user:password@host:8123',
}

/** What the client makes no link of. The error's own text may hold the password, but for the names of what it does not know. */
export function noUrl(error: unknown, url: string): ClickHouseStoreError {
  const unknown = /Unknown URL parameters: .*/.exec(String(error))?.[0]
  return new ClickHouseStoreError(
    unknown === undefined
      ? `${redactUrl(url)} is no URL of a server: write http://user:password@host:8123, with %40 for an @ in the password, %2F for a /, %23 for a #`
      : `${redactUrl(url)} asks for what is not known (${unknown}): settings are written ?clickhouse_setting_NAME=VALUE`,
    'unsent',
  )
}

/** An INSERT was answered with words after a status that said it was well: nobody knows what is stored. */
export function answeredTo(text: string, url: string): ClickHouseStoreError {
  const what = `the answer to an INSERT has a text: ${text.slice(0, longest)}`
  return new ClickHouseStoreError(`ClickHouse at ${redactUrl(url)}: ${oneLine(redactUrl(what))}`, 'unanswered')
}

/** Explains an error of the client; anything that has no better explanation keeps its own message, shortened. */
export function explain(error: unknown, url: string): ClickHouseStoreError {
  if (error instanceof ClickHouseStoreError) return error
  const { message = String(error), code, type } = error as { message?: string; code?: string; type?: string }
  const where = `ClickHouse at ${redactUrl(url)}`
  const say = (what: string, remedy: string | undefined, reach: Reach, number?: number): ClickHouseStoreError =>
    new ClickHouseStoreError(`${where}: ${oneLine(redactUrl(what))}${remedy === undefined ? '' : `; ${remedy}`}`, reach, number, {
      cause: error,
    })
  const number = Number(type === undefined ? /^Code: (\d+)/.exec(message)?.[1] : code)
  if (Number.isInteger(number) && number > 0) return say(sentence(message), ofTheServer[number], 'refused', number)
  if (/Timeout error/.test(message))
    return say('no answer came in time', 'check host, port and firewall, or what keeps the server busy', 'unanswered')
  if (typeof code === 'string') {
    const notHttp = /^HPE_/.test(code)
      ? 'what answers there does not speak HTTP: name the port of HTTP, 8123 unless it was changed'
      : undefined
    return say(message || code, notHttp ?? ofTheNet[code], unsent.includes(code) ? 'unsent' : 'unanswered')
  }
  if (/aborted|socket hang up|premature/i.test(message)) return say(message, 'the connection was closed', 'unanswered')
  return noClickHouse(url, message)
}

/** Something that speaks HTTP, but not as ClickHouse does; `said` is how its answer begins. */
export function noClickHouse(url: string, said = ''): ClickHouseStoreError {
  const quoted = said === '' ? '' : ` ("${redactUrl(said).replace(/\s+/g, ' ').slice(0, 100)}")`
  return new ClickHouseStoreError(
    `ClickHouse at ${redactUrl(url)}: what answers there is no ClickHouse${quoted}; name the port of its HTTP interface, 8123 unless it was changed`,
    'unanswered',
  )
}

/** The server's own words without its frame. */
function sentence(message: string): string {
  const [, text = message] = /DB::Exception: ([\s\S]*?)(?:, e\.what\(\) = [\s\S]*)?$/.exec(message) ?? []
  return text.replace(/[.\s]+$/, '')
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest)}...` : line
}
