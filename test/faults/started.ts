/** A `weir ...` that a test has started and does things to while it works: what it said so far, its end, and what it left behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Survivor, survivors } from '../../scripts/testing/survivors.js'
import { type Ended, main } from '../weir.js'

/** Longer than any run here takes on a busy machine: whoever is not done by then hangs. */
const limitMs = 120_000

/** A folder for the temporary files of one test, as open as /tmp since an embedded server may run as another user. */
export class Den {
  readonly folder = mkdtempSync(join(tmpdir(), 'faults-test-'))

  constructor() {
    chmodSync(this.folder, 0o1777)
  }

  /** Processes that were started, by whomever, with this folder for their temporary files. */
  processes(): Promise<readonly Survivor[]> {
    return survivors(-1, this.mark)
  }

  /** Names of what Weir keeps in its temporary folder while it runs. */
  files(): readonly string[] {
    return readdirSync(this.folder).filter((name) => name.startsWith('weir-'))
  }

  /** Waits, since what outlives Weir by a moment is what cleans up after it. @throws when something stays */
  async empty(allowed: (name: string) => boolean = () => false): Promise<void> {
    let last = ''
    const gone = async () => {
      const processes = await this.processes()
      const files = this.files().filter((name) => !allowed(name))
      last = JSON.stringify({ processes, files })
      return processes.length === 0 && files.length === 0
    }
    await until('no process and no folder is left', gone).catch(() => {
      throw new Error(`this was left behind: ${last}`)
    })
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** `NAME=value` in the environment of all who work here. */
  private get mark(): string {
    return `TMPDIR=${this.folder}`
  }
}

/** Weir at work. */
export class Started {
  readonly ended: Promise<Ended>
  private readonly child: ChildProcess
  private readonly texts = { stdout: '', stderr: '' }

  constructor(den: Den, words: readonly string[]) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_') || name.startsWith('WEIR_TEST_'))
    this.child = spawn(process.execPath, [main, ...words], {
      cwd: den.folder,
      env: { ...Object.fromEntries(inherited), TMPDIR: den.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.on('data', (chunk: Buffer) => {
        this.texts[name] += chunk.toString()
      })
    }
    this.ended = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.child.kill('SIGKILL')
        reject(new Error(`weir ${words.join(' ')} did not end within ${limitMs / 1000} s; it said: ${this.texts.stderr}`))
      }, limitMs)
      this.child.on('close', (status) => {
        clearTimeout(timer)
        resolve({ status, ...this.texts })
      })
    })
    this.ended.catch(() => undefined)
  }

  /** Resolves once it has said this. @throws when it ends without */
  async says(text: string): Promise<void> {
    let over = false
    void this.ended.then(
      () => {
        over = true
      },
      () => {
        over = true
      },
    )
    await until(`weir says ${text}`, () => {
      if (this.texts.stderr.includes(text)) return true
      if (over) throw new Error(`weir ended without having said ${text}: ${this.texts.stderr}`)
      return false
    })
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }
}

/** @throws when it does not come to hold within half a minute */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 600) throw new Error(`in vain waited until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
