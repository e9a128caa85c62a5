/** Finds a k6 that can run a script, and says what to install where there is none. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface K6Binary {
  readonly path: string
  /** 'v1.8.1' */
  readonly version: string
  /** Whether it has k6/x/weir, which renders lines. */
  readonly extended: boolean
}

/** There is no k6 that can do it: what to install. */
export class K6MissingError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'K6MissingError'
  }
}

/** Where `npm run build:k6` puts it. */
const ownK6 = fileURLToPath(new URL('../../k6', import.meta.url))
export const k6Remedy = 'install Go 1.25 or later from https://go.dev/dl, then npm run build:k6'

/** The one that was built here, or else any that the shell would find; undefined when there is none. */
export function findK6(): K6Binary | undefined {
  return builtK6() ?? examineK6('k6')
}

/** What a script asks of a k6. */
export interface K6Need {
  /** The one to take; null: look for one. */
  readonly path: string | null
  /** Name of the script. */
  readonly script: string
  /** It renders its lines itself, by the extension. */
  readonly extension: boolean
  /** One from the PATH rather than the one that was built here. */
  readonly stock: boolean
}

/**
 * A k6 for a script.
 * @throws K6MissingError
 */
export function requireK6({ path, script, extension, stock }: K6Need): K6Binary {
  const k6 = path !== null ? examineK6(path) : stock ? (examineK6('k6') ?? builtK6()) : findK6()
  if (k6 === undefined) throw new K6MissingError(`${path === null ? 'there is no k6' : `${path} is no k6 that runs`}: ${k6Remedy}`)
  if (extension && !k6.extended) {
    throw new K6MissingError(`${k6.path} is a k6 without k6/x/weir, which ${script} renders its lines with: ${k6Remedy}`)
  }
  return k6
}

function builtK6(): K6Binary | undefined {
  return existsSync(ownK6) ? examineK6(ownK6) : undefined
}

function examineK6(path: string): K6Binary | undefined {
  const { status, stdout } = spawnSync(path, ['version'], { encoding: 'utf8', timeout: 30_000 })
  const version = /^k6(?:\.exe)? (v\S+)/.exec(stdout ?? '')?.[1]
  return status === 0 && version !== undefined ? { path, version, extended: stdout.includes('k6/x/weir') } : undefined
}
