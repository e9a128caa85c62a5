/** The embedded ClickHouse: made, started, watched over and removed by Weir, whatever becomes of Weir itself. */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { temporaryPrefix } from '../temporary.js'
import { Keeper } from './embedded-keeper.js'
import { type Durability, engineSessions, engineUser } from './engine/configuration.js'
import { engineMain, type FirstWords } from './engine/main.js'

export interface EngineOptions {
  readonly durability: Durability
  /** A data directory that stays; undefined: a fresh one that goes with the engine. */
  readonly dataDirectory?: string
}

/** What went wrong with the embedded engine, for the person at the terminal. */
export class EngineError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EngineError'
  }
}

export class EmbeddedEngine {
  private closing: Promise<void> | undefined

  private constructor(
    /** Where it answers, with user and password: for @clickhouse/client. */
    readonly url: string,
    readonly pid: number,
    /** Everything that it keeps: the data lie in its subfolder data/. */
    readonly folder: string,
    private readonly keeper: Keeper,
    private readonly throwaway: boolean,
  ) {}

  /** @throws EngineError that says what was wrong and what to do; nothing is left behind then */
  static async start({ durability, dataDirectory }: EngineOptions): Promise<EmbeddedEngine> {
    needChdb()
    const throwaway = dataDirectory === undefined
    const { folder, made } = await makeFolder(dataDirectory)
    const log = join(folder, 'engine.log')
    let keeper: Keeper | undefined
    try {
      const said = await sizeOf(log)
      const password = randomBytes(18).toString('base64url')
      keeper = new Keeper({
        folder,
        fate: throwaway ? 'remove' : 'keep',
        main: engineMain,
        environment: {
          WEIR_ENGINE_DURABILITY: durability,
          WEIR_ENGINE_PASSWORD: password,
          // A statement and the opening of its pipe block a thread each.
          UV_THREADPOOL_SIZE: String(2 * engineSessions + 8),
          TZ: 'UTC',
        },
      })
      const pid = await keeper.pid
      const words = await keeper.firstWords
      if (words === undefined) throw new EngineError(`the embedded ClickHouse did not start: ${await wordsIn(log, said)}`)
      const first = JSON.parse(words) as FirstWords
      // The library gives its reasons on its standard error.
      if ('error' in first) throw Object.assign(new Error(`${first.error}: ${await wordsIn(log, said)}`), { code: first.code })
      keeper.unref()
      return new EmbeddedEngine(`http://${engineUser}:${password}@127.0.0.1:${first.port}/`, pid, folder, keeper, throwaway)
    } catch (error) {
      const explained = explainStart(error, folder)
      await keeper?.end()
      if (throwaway) await rm(folder, { recursive: true, force: true })
      else if (made !== undefined) await rm(made, { recursive: true, force: true })
      throw explained
    }
  }

  /** True once it has ended, whyever. */
  get ended(): boolean {
    return this.keeper.ended
  }

  /** The processes whose CPU and memory are the engine's. */
  processes(): readonly number[] {
    return this.keeper.ended || this.closing !== undefined ? [] : [this.pid]
  }

  /** The last that the engine said before it ended, for an explanation. */
  lastWords(): Promise<string> {
    return wordsIn(join(this.folder, 'engine.log'), 0)
  }

  /** Stops it in order, and removes a throwaway folder. Any number of calls do it once. */
  close(): Promise<void> {
    this.closing ??= this.stop()
    return this.closing
  }

  private async stop(): Promise<void> {
    await this.keeper.end()
    if (this.throwaway) await rm(this.folder, { recursive: true, force: true })
  }
}

/** Whether the optional package chdb is there. */
export function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('chdb')
    return true
  } catch {
    return false
  }
}

/** @throws EngineError when the optional package is not installed */
function needChdb(): void {
  if (isInstalled()) return
  throw new EngineError(
    'the embedded ClickHouse is the package chdb, which is not installed: npm install chdb, or give the URL of a server, http://user@host:8123/database',
  )
}

/** @throws EngineError when the folder is of no use */
async function makeFolder(dataDirectory: string | undefined): Promise<{ readonly folder: string; readonly made: string | undefined }> {
  const folder = dataDirectory === undefined ? join(tmpdir(), temporaryPrefix('clickhouse')) : resolve(dataDirectory)
  // The engine takes a file's whole path for a pattern, and :: for the border of an archive.
  if (/[*?{}]|::/.test(folder)) {
    throw new EngineError(
      `${folder} has a character in its name that ClickHouse reads as a pattern (*, ?, { or }, ::): choose another with --data or TMPDIR`,
    )
  }
  try {
    if (dataDirectory === undefined) return { folder: await mkdtemp(folder), made: undefined }
    return { folder, made: await mkdir(folder, { recursive: true }) }
  } catch (error) {
    throw explainStart(error, folder)
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}

/** The last lines of a log, from a byte on. */
async function wordsIn(file: string, from: number): Promise<string> {
  const text = (await readFile(file).catch(() => Buffer.alloc(0))).subarray(from).toString().trim()
  return text === '' ? 'it said nothing' : text.split('\n').slice(-5).join(' ')
}

function explainStart(error: unknown, folder: string): Error {
  const { code, message } = error as NodeJS.ErrnoException
  if (/Cannot lock file|Another server instance/.test(message)) {
    return new EngineError(`another server uses the data directory ${folder}: wait for it to end, or choose another with --data`, {
      cause: error,
    })
  }
  if (code === 'ENOSPC' || /No space left|ENOSPC|NOT_ENOUGH_SPACE/.test(message)) {
    return new EngineError(
      `there is no space left for the embedded ClickHouse in ${folder}: free some, or choose a folder on another disk with --data or TMPDIR`,
      { cause: error },
    )
  }
  if (
    ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP', 'ENOENT'].includes(code ?? '') ||
    /Permission denied|Read-only file system/.test(message)
  ) {
    return new EngineError(
      `the embedded ClickHouse cannot keep its files in ${folder}: ${message}; choose another folder with --data or TMPDIR`,
      { cause: error },
    )
  }
  if (error instanceof EngineError) return error
  return new EngineError(`the embedded ClickHouse did not start: ${message}`, { cause: error })
}
