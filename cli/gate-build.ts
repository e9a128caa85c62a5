/** Finds the build that a gate compares with: a folder that holds one, or a git ref that is built in a worktree of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { temporaryPrefix } from '../stores/temporary.js'
import { RunFailed, UsageError } from './errors.js'

export interface FoundBuild {
  /** Its cli/main.js. */
  readonly main: string
  /** For the report. */
  readonly origin: string
  /** Removes what was made for it. */
  close(): Promise<void>
}

interface Surroundings {
  readonly cwd: string
  readonly signal: AbortSignal
  say(label: string): void
}

/** @throws UsageError when it is neither; RunFailed when the ref cannot be built */
export function findBuild(against: string, surroundings: Surroundings): Promise<FoundBuild> {
  const path = resolve(surroundings.cwd, against)
  return existsSync(path) ? Promise.resolve(builtIn(path, against)) : builtFrom(against, surroundings)
}

function builtIn(path: string, against: string): FoundBuild {
  const places = statSync(path).isDirectory() ? ['dist/cli/main.js', 'cli/main.js'].map((place) => join(path, place)) : [path]
  const main = places.find((place) => existsSync(place))
  if (main === undefined) {
    throw new UsageError(`--against: there is no build in ${against}; build it first (npm ci && npm run build), or name a git ref`)
  }
  return { main, origin: against, close: async () => undefined }
}

async function builtFrom(ref: string, { cwd, signal, say }: Surroundings): Promise<FoundBuild> {
  const git = (words: readonly string[], where = cwd) => run('git', words, where, signal)
  const top = await git(['rev-parse', '--show-toplevel']).catch(() => undefined)
  const commit = top === undefined ? undefined : await git(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]).catch(() => undefined)
  if (top === undefined || commit === undefined) {
    throw new UsageError(
      `--against: ${JSON.stringify(ref)} is no folder here, and no git ref ${top === undefined ? '(this is no git repository)' : 'of this repository'}`,
    )
  }
  const folder = await mkdtemp(join(tmpdir(), temporaryPrefix('gate')))
  const tree = join(folder, 'tree')
  // Somebody who insists on the end, by a second Ctrl-C, gets it at once, but not the folder.
  const removeNow = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeNow)
  const close = async () => {
    await run('git', ['worktree', 'remove', '--force', tree], top).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
    await run('git', ['worktree', 'prune'], top).catch(() => undefined)
    process.off('exit', removeNow)
  }
  try {
    say(`building ${ref} (${commit.slice(0, 12)})`)
    await git(['worktree', 'add', '--detach', '--quiet', tree, commit], top)
    if (sameModules(top, tree)) symlinkSync(join(top, 'node_modules'), join(tree, 'node_modules'))
    else await run('npm', ['ci', '--no-audit', '--no-fund'], tree, signal)
    await run('npm', ['run', '--silent', 'build'], tree, signal)
    const main = join(tree, 'dist/cli/main.js')
    if (!existsSync(main)) throw new Error('its build leaves no dist/cli/main.js')
    return { main, origin: `${ref} (${commit.slice(0, 12)})`, close }
  } catch (error) {
    await close()
    if (signal.aborted) throw error
    throw new RunFailed(`${ref} could not be built: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Whether what is installed here is what the other tree wants. */
function sameModules(here: string, there: string): boolean {
  const lock = (folder: string) =>
    existsSync(join(folder, 'package-lock.json')) ? readFileSync(join(folder, 'package-lock.json'), 'utf8') : ''
  return existsSync(join(here, 'node_modules')) && lock(here) !== '' && lock(here) === lock(there)
}

/** What a program prints, trimmed. @throws Error with the end of what it says when it fails */
async function run(program: string, words: readonly string[], cwd: string, signal?: AbortSignal): Promise<string> {
  const child = spawn(program, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'], ...(signal === undefined ? {} : { signal }) })
  const said = { out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.error = (said.error + chunk.toString()).slice(-2000)
  })
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`${program} ${words[0]}: ${said.error.trim().split('\n').slice(-3).join('; ') || `status ${status}`}`)
  return said.out.trim()
}

/** A path as it is typed in the working directory. */
export function near(cwd: string, path: string): string {
  const shorter = relative(cwd, path)
  return shorter === '' ? '.' : shorter.startsWith('..') ? path : shorter
}
