/** The builds of a gate: this one, one in a folder, or one that is made from a git ref in a worktree of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryPrefix } from '../../stores/temporary.js'
import { removeAtOnce } from '../scratch.js'
import type { Build } from './side-process.js'

/** What was named is no build and cannot be made one: what it is, and what to do. */
export class BuildError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BuildError'
  }
}

export interface BuildHooks {
  readonly cwd: string
  readonly signal: AbortSignal
  onProgress(label: string): void
}

/** A build to measure against, and what is to be removed when it is no longer needed. */
export interface OpenedBuild {
  readonly build: Build
  close(): Promise<void>
}

const mainOf = (folder: string) => join(folder, 'dist', 'cli', 'main.js')

/** The build that runs now. */
export function ownBuild(): Build {
  return { name: 'candidate', main: fileURLToPath(new URL('../../cli/main.js', import.meta.url)) }
}

/**
 * The base that was named: a folder with a built Weir (its dist/cli/main.js, or that of a package installed there), or a
 * git ref of the repository in the working directory.
 * @throws BuildError when it is neither, or cannot be built
 */
export async function openBase(named: string, hooks: BuildHooks): Promise<OpenedBuild> {
  const folder = resolve(hooks.cwd, named)
  const places = [mainOf(folder), join(folder, 'cli', 'main.js'), mainOf(join(folder, 'node_modules', 'weirbench'))]
  const main = places.find((place) => existsSync(place))
  if (main !== undefined) return { build: { name: `base (${basename(folder)})`, main }, close: async () => undefined }
  if (existsSync(folder) && !isRef(named, hooks.cwd)) {
    throw new BuildError(`${named} holds no built Weir: there is no dist/cli/main.js; run npm ci && npm run build there`)
  }
  return buildRef(named, hooks)
}

function git(cwd: string, ...words: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('git', words, { cwd, encoding: 'utf8' })
  return { status, text: `${stdout ?? ''}${stderr ?? ''}`.trim() }
}

function isRef(named: string, cwd: string): boolean {
  return !named.startsWith('-') && git(cwd, 'rev-parse', '--verify', '--quiet', `${named}^{commit}`).status === 0
}

async function buildRef(ref: string, { cwd, signal, onProgress }: BuildHooks): Promise<OpenedBuild> {
  const top = git(cwd, 'rev-parse', '--show-toplevel')
  if (top.status !== 0)
    throw new BuildError(`${ref} is no folder with a built Weir, and ${cwd} is no git repository where it could be a ref`)
  const root = top.text
  if (!isRef(ref, cwd)) {
    throw new BuildError(
      `${ref} is neither a folder with a built Weir nor a git ref here; in CI the base may have to be fetched first: git fetch --depth 1 origin ${ref}, then --against FETCH_HEAD`,
    )
  }
  // Of a worktree that was killed, git still knows; it forgets those whose folders are gone.
  git(root, 'worktree', 'prune')
  const scratch = await mkdtemp(join(tmpdir(), temporaryPrefix('gate')))
  const tree = join(scratch, 'base')
  const removeNow = () => {
    removeAtOnce(scratch)
    git(root, 'worktree', 'prune')
  }
  process.once('exit', removeNow)
  const close = async () => {
    await rm(scratch, { recursive: true, force: true })
    git(root, 'worktree', 'prune')
    process.off('exit', removeNow)
  }
  try {
    const added = git(root, 'worktree', 'add', '--detach', '--force', tree, `${ref}^{commit}`)
    if (added.status !== 0) throw new BuildError(`git could not check ${ref} out: ${added.text}`)
    await provide(root, tree, { signal, onProgress })
    onProgress(`building ${ref}`)
    await command('npm', ['run', '--silent', 'build'], tree, signal)
    if (!existsSync(mainOf(tree))) throw new BuildError(`${ref} was built, but there is no dist/cli/main.js`)
    return { build: { name: `base (${ref})`, main: mainOf(tree) }, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The packages: those of the repository where the two need the same ones, and an installation of its own otherwise. */
async function provide(root: string, tree: string, { signal, onProgress }: Pick<BuildHooks, 'signal' | 'onProgress'>): Promise<void> {
  const lock = (folder: string) => {
    const path = join(folder, 'package-lock.json')
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined
  }
  const installed = join(root, 'node_modules')
  if (existsSync(installed) && lock(root) !== undefined && lock(root) === lock(tree)) {
    await symlink(installed, join(tree, 'node_modules'), 'dir')
    return
  }
  onProgress('installing the packages of the base')
  await command('npm', ['ci', '--no-audit', '--no-fund'], tree, signal)
}

const keptWords = 2000

/** Runs a command to its end; what it says matters only when it fails. */
async function command(name: string, words: readonly string[], cwd: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  // A process group of its own, so that an interrupt reaches what npm has started too.
  const child = spawn(name, words, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const listen = (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-keptWords)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const stop = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
  }
  signal.addEventListener('abort', stop, { once: true })
  process.once('exit', stop)
  try {
    const status = await new Promise<number | null>((done, fail) => {
      child.on('close', done)
      child.on('error', (error) => fail(new BuildError(`${name} cannot be started: ${error.message}`)))
    })
    signal.throwIfAborted()
    if (status !== 0)
      throw new BuildError(`the base could not be built: ${name} ${words.join(' ')} ended with status ${status}:\n${said.trim()}`)
  } finally {
    signal.removeEventListener('abort', stop)
    process.off('exit', stop)
  }
}
