/** The embedded Postgres: made, started, watched over and removed by Weir, whatever becomes of Weir itself. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type pg from 'pg'
import { temporaryPrefix } from '../temporary.js'
import { connect, PostgresError } from './connect.js'
import { type Account, account, type Binaries, canWrite, reachableBinaries } from './embedded-binaries.js'
import { fsyncMsIn } from './facts.js'
import { GivenServer } from './given-server.js'
import { Keeper } from './keeper.js'
import { lastWords, linkLog, logIn } from './server-log.js'
import { sweeps } from './sweeping.js'

export interface EmbeddedOptions {
  readonly durability: 'power' | 'process'
  /** A data directory that stays; undefined: a fresh one that goes with the server. */
  readonly dataDirectory?: string
}

const user = 'weir'

/**
 * Differences to the settings as shipped; none takes durability away. A larger max_wal_size keeps checkpoints out of
 * short windows (Weir makes one between blocks) and costs only recovery time; larger buffers and more connections are
 * what anybody would give a server of this kind. Everything else, autovacuum and data checksums included, stays.
 */
const settings: Readonly<Record<string, string>> = {
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  shared_buffers: '512MB',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Two readings of the clock for each write of the log, nothing for a row: how long the disk took is part of a result.
  track_wal_io_timing: 'on',
}

export class EmbeddedServer extends GivenServer {
  override readonly embedded = true
  private closing: Promise<void> | undefined

  private constructor(
    url: string,
    client: pg.Client,
    private readonly keeper: Keeper,
    serverPid: number,
    private readonly folders: Folders,
  ) {
    super(url, client, { pid: serverPid, folder: join(folders.folder, 'data') })
  }

  /** @throws PostgresError that says what was wrong and what to do; nothing is left behind then */
  static async start(options: EmbeddedOptions): Promise<EmbeddedServer> {
    const as = account()
    const binaries = await reachableBinaries(as)
    for (let tries = 1; ; tries++) {
      try {
        return await EmbeddedServer.startOnce(options, binaries, as)
      } catch (error) {
        // Somebody else took the port between our asking for a free one and the server's using it.
        if (tries === 5 || !/Address already in use/.test(String(error))) throw error
      }
    }
  }

  private static async startOnce(options: EmbeddedOptions, binaries: Binaries, as: Account | undefined): Promise<EmbeddedServer> {
    const folders = await makeFolders(options.dataDirectory, as)
    const { folder, sockets, throwaway } = folders
    let keeper: Keeper | undefined
    try {
      const password = await passwordIn(folder, as)
      const port = await freePort()
      linkLog(folder, sockets)
      const said = await sizeOf(logIn(folder))
      keeper = new Keeper({
        folder,
        sockets,
        fate: throwaway ? 'remove' : 'keep',
        binaries,
        account: as,
        settings: {
          ...settings,
          ...(options.durability === 'process' ? { fsync: 'off' } : {}),
          listen_addresses: '127.0.0.1',
          port: String(port),
          unix_socket_directories: sockets,
        },
      })
      const pid = await keeper.server
      if (pid === undefined)
        throw new PostgresError(`initdb could not make a cluster in ${join(folder, 'data')}: ${await wordsIn(join(folder, 'initdb.log'))}`)
      const url = `postgres://${user}:${password}@localhost:${port}/postgres?host=${encodeURIComponent(sockets)}`
      const server = new EmbeddedServer(url, await untilReady(url, folder, keeper, said), keeper, pid, folders)
      keeper.unref()
      return server
    } catch (error) {
      const explained = explainStart(error, folder)
      await keeper?.end()
      await removeFolders(folders, keeper === undefined || keeper.made)
      throw explained
    }
  }

  override close(): Promise<void> {
    this.closing ??= this.stop()
    return this.closing
  }

  /** Between two measurements nobody is to be spared: what autovacuum has begun need not rest on its way, as it does beside a run. */
  protected override async swept(client: pg.Client): Promise<void> {
    if ((await sweeps(client)) === 0) return
    await client.query('ALTER SYSTEM SET autovacuum_vacuum_cost_delay = 0')
    await client.query('SELECT pg_reload_conf()')
    try {
      await super.swept(client)
    } finally {
      await client.query('ALTER SYSTEM RESET autovacuum_vacuum_cost_delay')
      await client.query('SELECT pg_reload_conf()')
    }
  }

  protected override fsyncMs(): Promise<number | null> {
    return fsyncMsIn(join(this.folders.folder, 'data'))
  }

  private async stop(): Promise<void> {
    await super.close()
    await this.keeper.end()
    await removeFolders(this.folders, false)
  }
}

interface Folders {
  readonly folder: string
  readonly sockets: string
  /** The folder goes with the server. */
  readonly throwaway: boolean
  /** The outermost folder that had to be made for it; undefined: it was there. */
  readonly made: string | undefined
}

/** @throws PostgresError when the folder is of no use, or too far away for the user that the server runs as */
async function makeFolders(dataDirectory: string | undefined, as: Account | undefined): Promise<Folders> {
  const throwaway = dataDirectory === undefined
  let folder = dataDirectory === undefined ? join(tmpdir(), temporaryPrefix('postgres')) : resolve(dataDirectory)
  let folders: Folders | undefined
  try {
    const made = throwaway ? undefined : await mkdir(folder, { recursive: true })
    if (throwaway) folder = await mkdtemp(folder)
    folders = { folder, sockets: '', throwaway, made }
    const sockets = await mkdtemp(join(socketRoot(), temporaryPrefix('socket')))
    folders = { ...folders, sockets }
    if (as !== undefined) for (const path of [folder, sockets]) await chown(path, as.uid, as.gid)
    if (as !== undefined && !canWrite(folder, as)) {
      throw new PostgresError(
        `${folder} is closed to the user nobody, whom Postgres runs as since weir runs as root: choose a folder that others may enter, with --data or TMPDIR`,
      )
    }
    return folders
  } catch (error) {
    if (folders !== undefined) await removeFolders(folders, true)
    throw explainStart(error, folder)
  }
}

/** The path of a socket has room for some hundred bytes. */
function socketRoot(): string {
  return Buffer.byteLength(join(tmpdir(), 'weir-socket-1234567-123456', '.s.PGSQL.65535')) < 100 ? tmpdir() : '/tmp'
}

/** Removes what goes with the server; `undo`: and what was made in a folder that could not be put to use. */
async function removeFolders({ folder, sockets, throwaway, made }: Folders, undo: boolean): Promise<void> {
  const paths = sockets === '' ? [] : [sockets]
  if (throwaway) paths.push(folder)
  else if (undo && made !== undefined) paths.push(made)
  else if (undo) paths.push(...['password', 'initdb.log', 'server.log'].map((name) => join(folder, name)))
  for (const path of paths) await rm(path, { recursive: true, force: true })
}

/** The password of the cluster in a folder, or a new one for a cluster that is yet to be made; it is kept for whoever opens it again. */
async function passwordIn(folder: string, as: Account | undefined): Promise<string> {
  const file = join(folder, 'password')
  if (existsSync(join(folder, 'data', 'PG_VERSION'))) return readFile(file, 'utf8')
  const password = randomBytes(18).toString('base64url')
  await writeFile(file, password, { mode: 0o600 })
  if (as !== undefined) await chown(file, as.uid, as.gid)
  return password
}

/** Tries to connect until it works, or the server has ended. `said` is the length of its log before it was started. */
async function untilReady(url: string, folder: string, keeper: Keeper, said: number): Promise<pg.Client> {
  const end = performance.now() + 60_000
  for (;;) {
    try {
      return await connect(url)
    } catch (error) {
      if (keeper.ended || performance.now() > end) {
        const words = await wordsIn(logIn(folder), said)
        throw new PostgresError(
          /lock file .* already exists/.test(words)
            ? `another server uses the data directory ${folder}: wait for it to end, or choose another with --data (${words})`
            : `the embedded server did not start: ${words}`,
          { cause: error },
        )
      }
      await new Promise((resolved) => setTimeout(resolved, 25))
    }
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}

async function wordsIn(file: string, from = 0): Promise<string> {
  return lastWords((await readFile(file).catch(() => Buffer.alloc(0))).subarray(from).toString())
}

function freePort(): Promise<number> {
  return new Promise((resolved, rejected) => {
    const server = createServer()
    server.on('error', rejected)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolved(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function explainStart(error: unknown, folder: string): Error {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof PostgresError && !/No space left|ENOSPC/.test(message)) return error
  if (code === 'ENOSPC' || /No space left/.test(message)) {
    return new PostgresError(
      `there is no space left for the embedded server in ${folder}: free some, or choose a folder on another disk with --data or TMPDIR`,
      { cause: error },
    )
  }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP'].includes(code ?? '')) {
    return new PostgresError(
      `the embedded server cannot keep its files in ${folder}: ${message}; choose another folder with --data or TMPDIR`,
      { cause: error },
    )
  }
  return error instanceof Error ? error : new Error(String(error))
}
