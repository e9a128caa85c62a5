/** The engine behind the server: statements run on its sessions, inserts read their data from named pipes. */
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Session } from 'chdb'
import type { Answer } from './answers.js'
import { failures } from './failures.js'
import { Fifos, openForWriting } from './fifos.js'
import { framing } from './framing.js'
import { type Parameters, resetting, setting } from './parameters.js'
import { NamedSessions, Sessions } from './sessions.js'
import { quote, type Statement } from './statement.js'

/**
 * Formats whose answer may be made of pieces: the library writes each block as an answer of its own, with whatever stands
 * at the beginning and the end of one (names, brackets, totals).
 */
const inPieces = new Set([
  'Native',
  'RowBinary',
  'TabSeparated',
  'TSV',
  'TabSeparatedRaw',
  'TSVRaw',
  'CSV',
  'JSONEachRow',
  'JSONLines',
  'NDJSON',
  'JSONStringsEachRow',
  'JSONCompactEachRow',
  'JSONCompactStringsEachRow',
  'TSKV',
  'RawBLOB',
  'LineAsString',
  'Null',
])

export interface Work {
  /** The whole text; of an insert with data, what comes before its FORMAT clause. */
  readonly sql: string
  readonly statement: Statement
  readonly parameters: Parameters
  readonly database: string | undefined
  readonly session: { readonly id: string; readonly timeoutSeconds: number } | undefined
  /** The format of an answer whose statement does not say. */
  readonly format: string
}

export class Engine {
  private readonly sessions: Sessions
  private readonly named: NamedSessions
  private readonly fifos: Fifos
  /** For what concerns other sessions' statements. */
  private readonly control: Session
  private readonly busy = new Set<Promise<void>>()

  constructor(open: () => Session, fifoFolder: string, sessions: number) {
    this.control = open()
    this.sessions = new Sessions(open, sessions)
    this.named = new NamedSessions(open)
    this.fifos = new Fifos(fifoFolder, sessions * 2)
  }

  async version(): Promise<string> {
    return (await this.control.queryAsync('SELECT version()', { format: 'TSVRaw' })).text().trim()
  }

  /** Runs a statement that needs no data from outside and passes its result on as it comes. */
  answer(work: Work, answer: Answer): Promise<void> {
    return this.within(work, async (session) => {
      const format = work.statement.format ?? work.format
      if (work.statement.kind === 'select' && inPieces.has(format) && (await this.stream(session, work.sql, format, answer))) return
      const result = await session.queryAsync(work.sql, { format })
      answer.begin(format, { readRows: result.rowsRead, readBytes: result.bytesRead, elapsedSeconds: result.elapsed })
      await answer.write(result.bytes())
    })
  }

  /**
   * Runs an insert while its data comes in. What breaks off in the middle is not inserted.
   * @param data what stood in the statement's own text, before the body
   */
  insert(work: Work, data: Uint8Array, body: Readable, answer: Answer): Promise<void> {
    return this.within(work, async (session) => {
      const fifo = this.fifos.take()
      const { format } = work.statement
      // The table's own columns say how to read the data, as in INSERT ... FORMAT.
      const sql = `${work.sql} SELECT * FROM file(${quote(fifo.path)}, ${quote(format ?? '')}, 'auto', 'lz4')`
      const ended = session.queryAsync(sql)
      ended.catch(() => undefined)
      try {
        const writer = await openForWriting(fifo, ended)
        const whole = writer !== undefined && (await this.feed(writer, data, body, ended))
        const result = await ended
        if (writer === undefined) throw failures.unread()
        if (!whole) throw failures.brokenOff()
        answer.begin('TabSeparated', { elapsedSeconds: result.elapsed })
      } finally {
        await ended.catch(() => undefined)
        this.fifos.give(fifo)
        body.resume()
      }
    })
  }

  /** Lets what runs come to its end, but for `graceMs` only, and lets nothing else begin. */
  async close(graceMs: number): Promise<void> {
    this.sessions.close()
    await this.control.queryAsync(`KILL QUERY WHERE query NOT LIKE 'KILL QUERY%' ASYNC`).catch(() => undefined)
    const patience = new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref())
    await Promise.race([Promise.allSettled(this.busy), patience])
    this.named.close()
    this.control.close()
  }

  /** Runs `act` with a session that is as the request's parameters say, and only for as long. */
  private async within({ statement, parameters, database, session: named }: Work, act: (session: Session) => Promise<void>): Promise<void> {
    const session = named === undefined ? await this.sessions.take() : this.named.take(named.id)
    let altered = statement.alters
    const running = (async () => {
      try {
        const set = setting(parameters)
        if (set !== undefined) await session.queryAsync(set)
        if (database !== undefined) await session.queryAsync(`USE ${identifier(database)}`)
        await act(session)
        const reset = resetting(parameters)
        if (reset !== undefined) await session.queryAsync(reset)
        if (database !== undefined) await session.queryAsync('USE default')
      } catch (error) {
        // Part of what was set may still be.
        altered ||= parameters.settings.size > 0 || database !== undefined
        // The library keeps a statement that failed among its processes until the session runs another.
        await session.queryAsync('SELECT 1').catch(() => undefined)
        throw error
      } finally {
        if (named === undefined) this.sessions.give(session, altered)
        else this.named.give(named.id, named.timeoutSeconds)
      }
    })()
    const settled = running.catch(() => undefined)
    this.busy.add(settled)
    settled.then(() => this.busy.delete(settled))
    await running
  }

  /** @returns false when the engine cannot stream this statement: it has not been run then */
  private async stream(session: Session, sql: string, format: string, answer: Answer): Promise<boolean> {
    let stream: ReturnType<Session['queryStream']>
    try {
      stream = session.queryStream(sql, { format })
    } catch (error) {
      if (/Streaming query is not supported/.test(String(error))) return false
      throw error
    }
    // A failure before the first bytes is told by a status, so these are waited for.
    let begun = false
    for await (const chunk of stream) {
      if (answer.gone) break
      if (!begun) answer.begin(format, {})
      begun = true
      await answer.write(chunk.raw())
    }
    if (!begun) answer.begin(format, {})
    return true
  }

  /** @returns whether all of it was written, or the statement ended before; else it fails */
  private async feed(writer: Socket, data: Uint8Array, body: Readable, ended: Promise<unknown>): Promise<boolean> {
    // The statement may end at any time, and its end of the pipe with it.
    writer.on('error', () => undefined)
    const closed = new Promise<void>((resolve) => writer.once('close', () => resolve()))
    ended.then(
      () => undefined,
      () => writer.destroy(),
    )
    const broken = new Promise<boolean>((resolve) => {
      const breaks = () => resolve(true)
      body.once('error', breaks)
      body.once('aborted', breaks)
      body.once('close', () => resolve(!body.readableEnded))
      body.once('end', () => resolve(false))
      if (body.readableEnded) resolve(false)
      else if (body.destroyed) breaks()
      closed.then(() => resolve(false))
    })
    const framed = framing(() => body.readableEnded)
    framed.on('error', () => undefined)
    if (data.length > 0) framed.write(data)
    framed.pipe(writer)
    body.pipe(framed, { end: false })
    const whole = !(await broken)
    body.unpipe(framed)
    framed.end()
    await closed
    return whole
  }
}

function identifier(name: string): string {
  return `\`${name.replace(/[\\`]/g, (character) => `\\${character}`)}\``
}
