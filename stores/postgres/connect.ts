/** Connections to Postgres, with errors that say what was wrong, where, and what to do, and never a password. */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { redactUrl } from '../url.js'
import { whyItEnded } from './server-log.js'

/** What went wrong with a server, for the person at the terminal. */
export class PostgresError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PostgresError'
  }
}

const remedies: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is the server running, and is the port right?',
  ENOTFOUND: 'that host has no address: check its name',
  EAI_AGAIN: 'that host has no address: check its name',
  ETIMEDOUT: 'it did not answer: check host, port and firewall',
  ECONNRESET: 'the server closed the connection: its log says why',
  EPIPE: 'the server closed the connection: its log says why',
  ENOENT: 'there is no such socket: is the server running?',
  '28P01': 'the password is wrong: put the right one into the URL, between the user and the @',
  '28000': 'the server does not let this user in: check user, host and pg_hba.conf',
  '3D000': 'that database does not exist: create it, or name another in the URL',
  '53300': 'it has no connection left: raise max_connections, or use fewer workers',
  '42501': 'the user may not do that: GRANT CREATE ON DATABASE ... TO ...',
  '53100': 'its disk is full: free some space, or name a server with more',
  '57P01': 'somebody stopped it, or cut this connection',
  '57P02': 'one of its processes crashed: its log says why',
  '57P03': 'it is starting, recovering or shutting down: try again in a moment',
}

/** The same for what the driver says without a code. */
const remediesBySaying: readonly (readonly [RegExp, string])[] = [
  [/^timeout expired$/, 'it did not answer within 10 s: check host, port and firewall; is it Postgres that listens there?'],
  [/client password must be a (non-empty )?string/, 'it asks for a password: put it into the URL, between the user and the @'],
  [/^Connection terminated|^Client has encountered a connection error/, 'the server closed the connection: its log says why'],
]

function remedyOf(code: string | undefined, message: string): string | undefined {
  return (code === undefined ? undefined : remedies[code]) ?? remediesBySaying.find(([says]) => says.test(message))?.[1]
}

/** Explains an error of the driver; anything that has no better explanation keeps its own message. */
export function explain(error: unknown, url: string): PostgresError {
  if (error instanceof PostgresError) return error
  const { code, message, severity } = error as { code?: string; message?: string; severity?: string }
  const ended = severity === 'ERROR' ? undefined : whyItEnded(url)
  const remedy = ended ?? remedyOf(code, message ?? '')
  const text = `Postgres at ${redactUrl(url)}: ${message || code || String(error)}${remedy === undefined ? '' : `; ${remedy}`}`
  return new PostgresError(text, { cause: error })
}

/** The socket of a connected client: what ready-made messages are written to and raw answers are read from. */
export interface RawConnection {
  readonly stream: import('node:net').Socket
  query(text: string): void
}

/** A server that says it is starting is waited for so long, and asked so often. */
const startingMs = 30_000
const askAgainMs = 100

/**
 * Connects; a server that answers that it is starting or recovering is waited for. `name` is what the server's own list of
 * connections shows: those that write a run's rows bear the run's schema, so that they can be told from all others.
 * @throws PostgresError
 */
export async function connect(url: string, name = 'weir'): Promise<pg.Client> {
  const end = performance.now() + startingMs
  for (;;) {
    try {
      return await connectOnce(url, name)
    } catch (error) {
      const { cause } = error as Error
      if (!isStarting(cause) || performance.now() > end) throw error
      await delay(askAgainMs)
    }
  }
}

/** cannot_connect_now, but not from a server on its way down. */
function isStarting(error: unknown): boolean {
  const { code, message = '' } = (error ?? {}) as { code?: string; message?: string }
  return code === '57P03' && !/shutting down/.test(message)
}

async function connectOnce(url: string, name: string): Promise<pg.Client> {
  const client = clientFor(url, name)
  // A connection that breaks while nobody asks anything of it must not end the process; the next query says so.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query("SET timezone = 'UTC'; SET datestyle = 'ISO'; SET client_min_messages = warning; SET client_encoding = 'UTF8'")
  } catch (error) {
    await client.end().catch(() => undefined)
    // Hung up on before a word was said in the protocol, it may be anything.
    if (!/^Connection terminated/.test((error as Error).message)) throw explain(error, url)
    const strange = whyItEnded(url) ?? 'the connection was closed at once: is it Postgres that listens there? Its log says more'
    throw new PostgresError(`Postgres at ${redactUrl(url)}: ${(error as Error).message}; ${strange}`, { cause: error })
  }
  return client
}

function clientFor(url: string, name: string): pg.Client {
  try {
    return new pg.Client({ connectionString: url, application_name: name, connectionTimeoutMillis: 10_000 })
  } catch {
    // The error's own text, and what hangs on it, may hold the password.
    throw new PostgresError(
      `${redactUrl(url)} is no URL of a server: write postgres://user:password@host:port/database, with %40 for an @ in the password, %2F for a /, %23 for a #`,
    )
  }
}
