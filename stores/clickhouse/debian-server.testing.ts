/** Debian's ClickHouse server, started for tests on free ports in a temporary folder, and stopped with its files. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface DebianServer {
  readonly url: string
  readonly pid: number
  close(): Promise<void>
}

/** The program, where this machine has it; Debian puts it where only administrators look. */
export function debianBinary(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/sbin']
  return folders.map((folder) => join(folder, 'clickhouse-server')).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts one; a port that somebody else took first is tried again. */
export async function startDebianServer(binary: string): Promise<DebianServer> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOn(binary, await freePort(), await freePort())
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}

async function startOn(binary: string, http: number, tcp: number): Promise<DebianServer> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-test-clickhouse-'))
  for (const name of ['data', 'tmp', 'files', 'formats']) await mkdir(join(folder, name))
  await writeFile(join(folder, 'config.xml'), configuration(folder, http, tcp))
  await writeFile(join(folder, 'users.xml'), users)
  const child = spawn(binary, [`--config-file=${join(folder, 'config.xml')}`], { cwd: folder, stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve())
    child.on('error', () => resolve())
  })
  const close = async () => {
    await stop(child, ended)
    await rm(folder, { recursive: true, force: true })
  }
  const url = `http://default@127.0.0.1:${http}`
  if (child.pid !== undefined && (await answers(`http://127.0.0.1:${http}/ping`, child))) return { url, pid: child.pid, close }
  const log = await readFile(join(folder, 'errors.log'), 'utf8').catch(() => '')
  await close()
  throw new Error(`${binary} did not start: ${log.slice(-2000)}`)
}

async function answers(url: string, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 300 && child.exitCode === null; tries++) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return true
    await delay(100)
  }
  return false
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(late)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}

/** A time zone that is not UTC, so that a month that is cut by the server's clock is noticed. */
function configuration(folder: string, http: number, tcp: number): string {
  return `<yandex>
  <logger><level>warning</level><log>${folder}/server.log</log><errorlog>${folder}/errors.log</errorlog></logger>
  <listen_host>127.0.0.1</listen_host><http_port>${http}</http_port><tcp_port>${tcp}</tcp_port>
  <path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path>
  <user_files_path>${folder}/files/</user_files_path><format_schema_path>${folder}/formats/</format_schema_path>
  <mark_cache_size>67108864</mark_cache_size>
  <users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
  <timezone>Pacific/Auckland</timezone>
</yandex>
`
}

const users = `<yandex>
  <profiles><default></default><readonly><readonly>1</readonly></readonly></profiles>
  <quotas><default></default></quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <reader><password>p@ss/w#rd</password><networks><ip>127.0.0.1</ip></networks><profile>readonly</profile><quota>default</quota></reader>
  </users>
</yandex>
`
