/** The embedded Postgres: made, started, watched over and removed by Weir, whatever becomes of Weir itself. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type pg from 'pg'
import { connect, PostgresError } from './connect.js'
import { type Account, account, type Binaries, reachableBinaries } from './embedded-binaries.js'
import { fsyncMsIn } from './facts.js'
import { GivenServer } from './given-server.js'

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
}

/**
 * Starts the server and waits for its end of input: when Weir says so, or is gone, it stops the server and, if it is a
 * throwaway one, removes its files. It runs in a session of its own, so that no signal of the terminal reaches it.
 * $1: folder, $2: 'keep' or 'remove', $3: signal for the end, then the server's command line.
 */
const supervisor = `
trap '' INT TERM HUP
folder=$1; fate=$2; signal=$3; shift 3
"$@" </dev/null >>"$folder/server.log" 2>&1 &
server=$!
echo "$server"
while read -r line; do :; done
kill -s "$signal" "$server" 2>/dev/null
wait "$server"
[ "$fate" = remove ] && rm -rf "$folder"
exit 0
`

export class EmbeddedServer extends GivenServer {
  override readonly embedded = true
  private closing: Promise<void> | undefined

  private constructor(
    url: string,
    client: pg.Client,
    private readonly keeper: ChildProcess,
    private readonly serverPid: number,
    private readonly folder: string,
  ) {
    super(url, client)
  }

  /** @throws PostgresError that says what was wrong and what to do; nothing is left behind then */
  static async start(options: EmbeddedOptions): Promise<EmbeddedServer> {
    const as = account()
    const binaries = await reachableBinaries(as)
    const throwaway = options.dataDirectory === undefined
    const folder = options.dataDirectory === undefined ? await mkdtemp(join(tmpdir(), 'weir-postgres-')) : resolve(options.dataDirectory)
    const sockets = await mkdtemp(join(tmpdir(), 'weir-socket-'))
    let keeper: ChildProcess | undefined
    try {
      await mkdir(folder, { recursive: true })
      for (const path of [folder, sockets]) if (as !== undefined) await chown(path, as.uid, as.gid)
      const data = join(folder, 'data')
      const password = existsSync(join(data, 'PG_VERSION'))
        ? await readFile(join(folder, 'password'), 'utf8')
        : await initialise(binaries, folder, data, as)
      refuseIfRunning(data, folder)
      const port = await freePort()
      const all = {
        ...settings,
        ...(options.durability === 'process' ? { fsync: 'off' } : {}),
        listen_addresses: '127.0.0.1',
        port: String(port),
        unix_socket_directories: sockets,
      }
      const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      keeper = spawn(
        'sh',
        [
          '-c',
          supervisor,
          'weir-postgres',
          folder,
          throwaway ? 'remove' : 'keep',
          throwaway ? 'QUIT' : 'INT',
          binaries.postgres,
          '-D',
          data,
          ...flags,
        ],
        {
          cwd: '/',
          detached: true,
          stdio: ['pipe', 'pipe', 'ignore'],
          ...(as === undefined ? {} : { uid: as.uid, gid: as.gid }),
        },
      )
      const pid = await firstLine(keeper)
      const url = `postgres://${user}:${password}@localhost:${port}/postgres?host=${encodeURIComponent(sockets)}`
      const client = await untilReady(url, folder, pid)
      const server = new EmbeddedServer(url, client, keeper, pid, folder)
      server.socketFolder = sockets
      // Weir must be able to end although the keeper still waits for it.
      keeper.unref()
      ;(keeper.stdin as unknown as { unref?(): void }).unref?.()
      ;(keeper.stdout as unknown as { unref?(): void }).unref?.()
      return server
    } catch (error) {
      if (keeper !== undefined) await endOf(keeper)
      else if (throwaway) await rm(folder, { recursive: true, force: true })
      await rm(sockets, { recursive: true, force: true })
      throw explainStart(error, folder)
    }
  }

  private socketFolder = ''

  override async processes(): Promise<readonly number[]> {
    try {
      const children = readFileSync(`/proc/${this.serverPid}/task/${this.serverPid}/children`, 'latin1')
      return [this.serverPid, ...children.trim().split(' ').filter(Boolean).map(Number)]
    } catch {
      return []
    }
  }

  override close(): Promise<void> {
    this.closing ??= this.stop()
    return this.closing
  }

  protected override fsyncMs(): Promise<number | null> {
    return fsyncMsIn(join(this.folder, 'data'))
  }

  private async stop(): Promise<void> {
    await super.close()
    await endOf(this.keeper)
    await rm(this.socketFolder, { recursive: true, force: true })
  }
}

/** Lets the keeper stop the server and waits for it. */
async function endOf(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null || keeper.signalCode !== null) return
  keeper.ref()
  const ended = once(keeper, 'exit')
  keeper.stdin?.end()
  await ended
}

/** Makes a cluster with a password of its own, which is kept beside it for whoever opens it again. */
async function initialise(binaries: Binaries, folder: string, data: string, as: Account | undefined): Promise<string> {
  const password = randomBytes(18).toString('base64url')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (as !== undefined) await chown(passwordFile, as.uid, as.gid)
  const child = spawn(
    binaries.initdb,
    [
      '-D',
      data,
      '-U',
      user,
      `--pwfile=${passwordFile}`,
      '--auth-local=trust',
      '--auth-host=scram-sha-256',
      '--encoding=UTF8',
      '--no-locale',
      '--no-instructions',
    ],
    {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
      ...(as === undefined ? {} : { uid: as.uid, gid: as.gid }),
    },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
  }
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new PostgresError(`initdb could not make a cluster in ${data}: ${said.trim().split('\n').slice(-3).join('; ')}`)
  return password
}

/** A second server on the same files would be refused by Postgres as well, but with less to go by. */
function refuseIfRunning(data: string, folder: string): void {
  let pid: number
  try {
    pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return
    pid = Number.NaN
  }
  throw new PostgresError(
    `another server (process ${Number.isNaN(pid) ? 'of another user' : pid}) uses the data directory ${folder}: wait for it to end, or choose another with --data`,
  )
}

async function firstLine(keeper: ChildProcess): Promise<number> {
  const { stdout } = keeper
  if (stdout === null) throw new PostgresError('the embedded server could not be started: no pipe')
  const [data] = (await Promise.race([
    once(stdout, 'data'),
    once(keeper, 'error').then(([error]: unknown[]) => {
      throw error
    }),
  ])) as [Buffer]
  return Number(data.toString().trim())
}

/** Tries to connect until it works, or the server has ended. */
async function untilReady(url: string, folder: string, pid: number): Promise<pg.Client> {
  const end = performance.now() + 60_000
  for (;;) {
    try {
      return await connect(url)
    } catch (error) {
      let alive = true
      try {
        process.kill(pid, 0)
      } catch (dead) {
        alive = (dead as NodeJS.ErrnoException).code === 'EPERM'
      }
      if (!alive || performance.now() > end)
        throw new PostgresError(`the embedded server did not start: ${await lastWords(folder)}`, { cause: error })
      await new Promise((resolved) => setTimeout(resolved, 25))
    }
  }
}

async function lastWords(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'server.log'), 'utf8').catch(() => '')
  const telling = log.split('\n').filter((line) => /FATAL|PANIC|ERROR|HINT|could not/.test(line))
  return telling.slice(-3).join('; ') || log.trim().split('\n').at(-1) || 'it said nothing'
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
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PostgresError(
      `the embedded server cannot keep its files in ${folder}: ${message}; choose another folder with --data or TMPDIR`,
      { cause: error },
    )
  }
  return error instanceof Error ? error : new Error(String(error))
}
