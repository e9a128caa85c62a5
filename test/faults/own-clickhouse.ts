/** A ClickHouse server of the tests' own, Debian's, which may be stopped and started as they like. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianBinary } from '../../stores/clickhouse/debian-server.testing.js'
import { rowTable } from '../../stores/clickhouse/layout.js'
import { Link } from '../../stores/clickhouse/link.js'
import { id, sql } from '../../stores/clickhouse/sql.js'
import { until } from './started.js'
import type { OwnServer } from './stores.js'
import { freePort } from './strangers.js'

/** With what a URL must hide and escape. */
const password = 'se#c/r@t'
const meekPassword = 'm1ld@meek'

export class OwnClickHouse implements OwnServer {
  readonly secrets = [password, encodeURIComponent(password), meekPassword, encodeURIComponent(meekPassword)]
  private process: ChildProcess | undefined

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async create(): Promise<OwnClickHouse> {
    const server = new OwnClickHouse(mkdtempSync(join(tmpdir(), 'faults-server-')), await freePort())
    try {
      await server.make()
      await server.start()
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
    const binary = debianBinary()
    if (binary === undefined) throw new Error('clickhouse-server is not installed')
    const log = openSync(join(this.folder, 'log'), 'a')
    const child = spawn(binary, [`--config-file=${join(this.folder, 'config.xml')}`], { cwd: this.folder, stdio: ['ignore', log, log] })
    closeSync(log)
    this.process = child
    await until('the server answers', async () => {
      if (child.exitCode !== null) throw new Error(`the server ended; see ${this.folder}/log`)
      return fetch(`http://127.0.0.1:${this.port}/ping`).then(
        ({ ok }) => ok,
        () => false,
      )
    })
  }

  async stop(): Promise<void> {
    const child = this.process
    this.process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async holds(target: string): Promise<boolean> {
    return (await this.rows(target)) > 0
  }

  rows(target: string): Promise<number> {
    return this.linked(async (link) => {
      let sum = 0
      for (const schema of await databases(link, `weir\\_%\\_run\\_%${target.replaceAll('-', '\\_')}`)) {
        const there = await link.rows(sql`SELECT 1 AS there FROM system.tables WHERE database = ${schema} AND name = ${rowTable}`)
        if (there.length === 0) continue
        const [row] = await link.rows<{ n: string | number }>(sql`SELECT count() AS n FROM ${id(schema, rowTable)}`)
        sum += Number(row?.n)
      }
      return sum
    })
  }

  clear(): Promise<void> {
    return this.linked(async (link) => {
      for (const schema of await databases(link, 'weir\\_%')) await link.run(sql`DROP DATABASE ${id(schema)}`)
    })
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async linked<T>(use: (link: Link) => Promise<T>): Promise<T> {
    const link = new Link(this.url)
    try {
      return await use(link)
    } finally {
      await link.close()
    }
  }

  private async make(): Promise<void> {
    const at = (name: string) => join(this.folder, name)
    for (const name of ['data', 'tmp', 'files', 'formats']) mkdirSync(at(name))
    writeFileSync(
      at('config.xml'),
      `<yandex>
  <logger><level>warning</level><log>${at('server.log')}</log><errorlog>${at('errors.log')}</errorlog></logger>
  <listen_host>127.0.0.1</listen_host><http_port>${this.port}</http_port><tcp_port>${await freePort()}</tcp_port>
  <path>${at('data')}/</path><tmp_path>${at('tmp')}/</tmp_path>
  <user_files_path>${at('files')}/</user_files_path><format_schema_path>${at('formats')}/</format_schema_path>
  <mark_cache_size>67108864</mark_cache_size>
  <users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
</yandex>
`,
    )
    const user = (name: string, secret: string, profile: string) =>
      `<${name}><password>${secret}</password><networks><ip>127.0.0.1</ip></networks><profile>${profile}</profile><quota>default</quota></${name}>`
    writeFileSync(
      at('users.xml'),
      `<yandex>
  <profiles><default></default><readonly><readonly>1</readonly></readonly></profiles><quotas><default></default></quotas>
  <users>${user('default', meekPassword, 'readonly')}${user('weir', password, 'default')}${user('meek', meekPassword, 'readonly')}</users>
</yandex>
`,
      { mode: 0o600 },
    )
  }

  private urlOf(user: string, secret: string): string {
    return `http://${user}:${encodeURIComponent(secret)}@127.0.0.1:${this.port}`
  }
}

async function databases(link: Link, pattern: string): Promise<readonly string[]> {
  const found = await link.rows<{ name: string }>(sql`SELECT name FROM system.databases WHERE name LIKE ${pattern}`)
  return found.map(({ name }) => name)
}
