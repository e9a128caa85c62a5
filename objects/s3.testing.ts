/** An S3 server for tests, built from scripts/testing/s3: on loopback, with a folder of its own that outlives it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'uvu'

const binary = process.env['WEIR_TEST_S3']

/** What the server and its clients know; no message may hold any of it. */
export const credentials = { AWS_ACCESS_KEY_ID: 'weir-test-access', AWS_SECRET_ACCESS_KEY: 'weir-test-secret-that-nobody-sees' }

/** For processes that tests start: nothing of the machine's own, and nobody is asked for a role. */
export const environment = {
  ...credentials,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
}
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
Object.assign(process.env, environment)

const bucket = 'weir-test'

export class S3Server {
  private child: ChildProcess | undefined
  private places = 0

  private constructor(
    private readonly program: string,
    readonly folder: string,
    readonly port: number,
  ) {}

  static async start(): Promise<S3Server> {
    if (binary === undefined) throw new Error('this test needs WEIR_TEST_S3')
    const folder = mkdtempSync(join(tmpdir(), 'weir-s3-'))
    mkdirSync(join(folder, 'buckets', bucket), { recursive: true })
    const server = new S3Server(binary, folder, await freePort())
    try {
      await server.again()
      return server
    } catch (error) {
      await server.close()
      throw error
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Where nothing lies yet. */
  place(): string {
    return this.placeOf(`place-${++this.places}`)
  }

  placeOf(prefix: string, endpoint = this.endpoint): string {
    return `s3://${bucket}/${prefix}?endpoint=${endpoint}`
  }

  /** The file of an object. */
  fileOf(key: string): string {
    return join(this.folder, 'buckets', bucket, key)
  }

  private get runs(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Starts it where it was, unless it runs. */
  async again(): Promise<void> {
    if (this.runs) return
    const child = spawn(this.program, [this.folder, String(this.port)], {
      env: credentials,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.child = child
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    // It says nothing when it is ready: to be asked is to know.
    while (!(await fetch(this.endpoint).then(Boolean, () => false))) {
      if (!this.runs) throw new Error(`the S3 server ended: ${said}`)
      await pause(10)
    }
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    const child = this.child
    if (child === undefined || !this.runs) return
    const gone = new Promise((done) => child.once('exit', done))
    child.kill('SIGKILL')
    await gone
  }

  /** It takes connections and answers none. */
  freeze(): void {
    this.child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.child?.kill('SIGCONT')
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

let shared: S3Server | undefined

/** Registers a test on a server that those of this file share, up and awake when each begins; it is skipped, by name, where there is none. */
export function onS3(name: string, body: (server: S3Server) => Promise<void>): void {
  if (binary === undefined) test.skip(`${name} (needs WEIR_TEST_S3)`, () => undefined)
  else {
    test(name, async () => {
      shared ??= await S3Server.start()
      await body(shared)
    })
  }
}

test.after(async () => {
  await shared?.close()
})

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
