/** Starts the program as a user does, in an empty folder, with only the variables that a test sets. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const main = fileURLToPath(new URL('../cli/main.js', import.meta.url))

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  /** WEIR_ variables; none are inherited but those of the tests themselves. */
  readonly environment?: Readonly<Record<string, string>>
  /** Files by name, written into the working directory. */
  readonly files?: Readonly<Record<string, string>>
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_') || name.startsWith('WEIR_TEST_')))
}

/** Runs `weir ...` to its end. */
export function weir(words: readonly string[], { environment = {}, files = {} }: Surroundings = {}): Ended {
  return inFolder((folder) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...inherited(), ...environment },
      input: '',
      maxBuffer: 1e9,
      timeout: 120_000,
    })
    return { status, stdout, stderr }
  })
}

/** Starts `weir ...`, hands it to `act` as soon as `when` (or anything) came on `stream`, and waits for its end. */
export async function weirUntil(
  words: readonly string[],
  stream: 'stdout' | 'stderr',
  act: (child: ChildProcess) => void,
  { when = '', environment = {} }: { readonly when?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-cli-test-'))
  const child = spawn(process.execPath, [main, ...words], {
    cwd: folder,
    env: { ...inherited(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  let acted = false
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      // Enough to look at; a stream of lines may be endless.
      if (texts[name].length < 1e6) texts[name] += chunk.toString()
      if (name !== stream || acted || !texts[name].includes(when)) return
      acted = true
      act(child)
    })
  }
  try {
    const status = await new Promise<number | null>((done) => child.on('close', done))
    return { status, ...texts }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'weir-cli-test-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
