/** A Postgres server of the tests' own, which may be stopped and started as they like: Debian's where it is installed, else the embedded binaries. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { connect } from '../../stores/postgres/connect.js'
import { type Account, account, type Binaries, reachableBinaries } from '../../stores/postgres/embedded-binaries.js'
import { rowTable } from '../../stores/postgres/layout.js'
import { until } from './started.js'
import type { OwnServer } from './stores.js'
import { freePort } from './strangers.js'

const debian = '/usr/lib/postgresql/15/bin'
/** With what a URL must hide and escape. */
const password = 'se#c/r&t'
const meekPassword = 'm1ld&meek'

export class OwnPostgres implements OwnServer {
  readonly secrets = [password, encodeURIComponent(password), meekPassword, encodeURIComponent(meekPassword)]
  private process: ChildProcess | undefined

  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly binaries: Binaries,
    private readonly as: Account | undefined,
  ) {}

  static async create(): Promise<OwnPostgres> {
    const as = account()
    const binaries = existsSync(join(debian, 'postgres'))
      ? { initdb: join(debian, 'initdb'), postgres: join(debian, 'postgres') }
      : await reachableBinaries(as)
    const folder = mkdtempSync(join(tmpdir(), 'faults-server-'))
    if (as !== undefined) chownSync(folder, as.uid, as.gid)
    const server = new OwnPostgres(folder, await freePort(), binaries, as)
    try {
      server.make()
      await server.start()
      const client = await connect(server.url)
      await client.query(`CREATE ROLE meek LOGIN PASSWORD '${meekPassword}'`)
      await client.end()
      return server
    } catch (error) {
      await server.close()
      throw error
    }
  }

  get url(): string {
    return this.urlOf('weir', password)
  }

  get wrongPassword(): string {
    return this.urlOf('weir', meekPassword)
  }

  get withoutRights(): string {
    return this.urlOf('meek', meekPassword)
  }

  async start(): Promise<void> {
    if (this.process !== undefined) return
    const log = openSync(join(this.folder, 'log'), 'a')
    const flags = [`port=${this.port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${this.folder}`, 'max_wal_size=4GB']
    const child = spawn(this.binaries.postgres, ['-D', join(this.folder, 'data'), ...flags.flatMap((flag) => ['-c', flag])], {
      cwd: '/',
      stdio: ['ignore', log, log],
      env: { ...process.env, LC_ALL: 'C' },
      ...(this.as ?? {}),
    })
    closeSync(log)
    this.process = child
    await until('the server answers', async () => {
      if (child.exitCode !== null) throw new Error(`the server ended; see ${this.folder}/log`)
      return connect(this.url).then(
        async (client) => {
          await client.end()
          return true
        },
        () => false,
      )
    })
  }

  /** What `pg_ctl stop -m immediate` does: no connection is told, nothing is written any more. */
  async stop(): Promise<void> {
    const child = this.process
    this.process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGQUIT')
    await exited
  }

  async holds(target: string): Promise<boolean> {
    const found = await this.schemas(
      target,
      async (client, schema) => (await client.query(`SELECT 1 FROM "${schema}".${rowTable} LIMIT 1`)).rowCount,
    )
    return found.includes(1)
  }

  async rows(target: string): Promise<number> {
    const counts = await this.schemas(target, async (client, schema) => {
      const { rows } = await client.query<{ rows: number }>(`SELECT count(*)::float8 AS rows FROM "${schema}".${rowTable}`)
      return rows[0]?.rows ?? 0
    })
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async clear(): Promise<void> {
    const client = await connect(this.url)
    const { rows } = await client.query<{ schema: string }>(`SELECT nspname AS schema FROM pg_namespace WHERE nspname LIKE 'weir\\_%'`)
    for (const { schema } of rows) await client.query(`DROP SCHEMA "${schema}" CASCADE`)
    await client.end()
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Asks something of each schema of a target's full-speed leg. */
  private async schemas<T>(target: string, ask: (client: pg.Client, schema: string) => Promise<T>): Promise<T[]> {
    const client = await connect(this.url)
    try {
      const { rows } = await client.query<{ schema: string }>(
        `SELECT nspname AS schema FROM pg_namespace WHERE nspname LIKE $1 AND to_regclass(quote_ident(nspname) || '.${rowTable}') IS NOT NULL`,
        [`weir\\_%\\_run\\_%${target.replaceAll('-', '\\_')}`],
      )
      const answers: T[] = []
      for (const { schema } of rows) answers.push(await ask(client, schema))
      return answers
    } finally {
      await client.end()
    }
  }

  private make(): void {
    const secret = join(this.folder, 'password')
    writeFileSync(secret, password, { mode: 0o600 })
    if (this.as !== undefined) chownSync(secret, this.as.uid, this.as.gid)
    const words = ['-D', join(this.folder, 'data'), '-U', 'weir', `--pwfile=${secret}`, '-A', 'scram-sha-256', '-E', 'UTF8', '--no-locale']
    const made = spawnSync(this.binaries.initdb, words, {
      cwd: '/',
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      ...(this.as ?? {}),
    })
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  }

  private urlOf(user: string, secret: string): string {
    return `postgres://${user}:${encodeURIComponent(secret)}@127.0.0.1:${this.port}/postgres`
  }
}
