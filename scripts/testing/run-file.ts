/** Runs one test file in a process group of its own, reads what uvu counted, and makes sure that nothing outlives it. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { survivors } from './survivors.js'

export interface FileReport {
  readonly total: number
  readonly passed: number
  /** Names of skipped tests. */
  readonly skipped: readonly string[]
  /** What was wrong, in words; empty when all is well. */
  readonly problems: readonly string[]
  /** What the file printed, both streams. */
  readonly output: string
  readonly elapsedMs: number
}

/** How long processes that are on their way out may take, milliseconds. */
const graceMs = 5000

const launcher = fileURLToPath(new URL('./launch.js', import.meta.url))

/** Runs a compiled test file. Never rejects for what the file does. */
export async function runFile(file: string, timeoutMs: number): Promise<FileReport> {
  const begin = performance.now()
  const scratch = mkdtempSync(join(tmpdir(), 'weir-test-'))
  try {
    const skips = join(scratch, 'skips')
    const mark = `WEIR_TEST_MARK=${randomBytes(8).toString('hex')}`
    const { status, output, timedOut, group } = await spawned(file, skips, mark, timeoutMs)
    const left = timedOut ? [] : await remaining(group, mark)
    kill(group, await survivors(group, mark))
    return judge({ status, output, timedOut, left, skips: linesOf(skips), timeoutMs, elapsedMs: performance.now() - begin })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

interface Ending {
  readonly status: string
  readonly output: string
  readonly timedOut: boolean
  readonly group: number
}

function spawned(file: string, skips: string, mark: string, timeoutMs: number): Promise<Ending> {
  const [name = '', value = ''] = mark.split('=')
  const child = spawn(process.execPath, ['--enable-source-maps', launcher, file], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [name]: value, WEIR_TEST_SKIPS: skips },
  })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const group = child.pid ?? 0
  return new Promise((done) => {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill(group, [])
    }, timeoutMs)
    const end = (status: string): void => {
      clearTimeout(timer)
      child.stdout.destroy()
      child.stderr.destroy()
      done({ status, output: Buffer.concat(chunks).toString(), timedOut, group })
    }
    child.on('error', (error) => end(error.message))
    // A survivor may hold the pipes open: what the file itself printed has arrived soon after it has gone.
    child.on('exit', (code, signal) => {
      const status = signal ?? String(code)
      const late = setTimeout(() => end(status), 500)
      child.on('close', () => {
        clearTimeout(late)
        end(status)
      })
    })
  })
}

/** Processes that are still there after the time of grace. */
async function remaining(group: number, mark: string): Promise<readonly string[]> {
  const deadline = performance.now() + graceMs
  for (;;) {
    const left = await survivors(group, mark)
    if (left.length === 0 || performance.now() > deadline) return left.map(({ pid, command }) => `${pid} ${command}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

function kill(group: number, others: readonly { readonly pid: number }[]): void {
  for (const pid of [-group, ...others.map((other) => other.pid)]) {
    try {
      if (pid !== 0) process.kill(pid, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    return []
  }
}

interface Observed {
  readonly status: string
  readonly output: string
  readonly timedOut: boolean
  readonly left: readonly string[]
  readonly skips: readonly string[]
  readonly timeoutMs: number
  readonly elapsedMs: number
}

/** Reads the last summary that uvu printed and names everything that is wrong. */
function judge({ status, output, timedOut, left, skips, timeoutMs, elapsedMs }: Observed): FileReport {
  const summary = [...stripVTControlCharacters(output).matchAll(/^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm)].at(-1)
  const [totalTests, passed, skippedTests] = [Number(summary?.[1] ?? 0), Number(summary?.[2] ?? 0), Number(summary?.[3] ?? 0)]
  const unnamed = Array.from(
    { length: Math.max(0, skippedTests - skips.length) },
    () => '(a test of a suite, or one left out by test.only)',
  )
  const problems: string[] = []
  if (timedOut) problems.push(`killed after ${timeoutMs / 1000} s`)
  else if (!summary) problems.push(`ended (${status}) without a summary: does it end with test.run()?`)
  else if (totalTests + skippedTests === 0) problems.push('registered no test')
  else if (passed < totalTests) problems.push(`${totalTests - passed} of ${totalTests} tests failed`)
  else if (status !== '0') problems.push(`its tests passed, yet it ended with ${status}`)
  for (const process of left) problems.push(`left a process behind: ${process}`)
  return { total: totalTests, passed, skipped: [...skips, ...unnamed], problems, output, elapsedMs }
}
