/** Where a command leaves what it measured: looked at before anything is measured, and no reason to lose it afterwards. */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ResultWriteError } from '../results/write.js'
import { UsageError } from './errors.js'

/** @throws UsageError when files cannot be made in this folder, which itself need not be there yet */
export function refuseUnwritableFolder(folder: string, flag: string): void {
  let there = folder
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there)
  if (!statSync(there).isDirectory()) throw new UsageError(`${flag} ${folder}: ${there} is a file, so nothing can lie below it`)
  try {
    accessSync(there, constants.W_OK | constants.X_OK)
  } catch {
    throw new UsageError(`${flag} ${folder}: nothing can be written in ${there}; name another folder`)
  }
}

/** @throws UsageError when a file of this name cannot be made, since its folder is not there or may not be written in */
export function refuseUnwritableFile(file: string, flag: string): void {
  if (existsSync(file) && statSync(file).isDirectory()) throw new UsageError(`${flag} ${file} is a folder; name a file`)
  if (!existsSync(dirname(file))) throw new UsageError(`${flag} ${file}: there is no folder ${dirname(file)}; make it, or name another one`)
  refuseUnwritableFolder(dirname(file), flag)
}

/**
 * Keeps what can be kept: the path that was written, or undefined when it could not be, which is told and makes a success a
 * failure; what was measured is printed all the same.
 */
export class Destinations {
  private missed = false

  constructor(private readonly notice: (line: string) => void) {}

  /** Something could not be left where it was asked for. */
  miss(what: string): void {
    this.missed = true
    this.notice(what)
  }

  async keep(write: Promise<string>): Promise<string | undefined> {
    try {
      return await write
    } catch (error) {
      if (!(error instanceof ResultWriteError)) throw error
      this.miss(error.message)
      return undefined
    }
  }

  /** The exit status, when it would have been this one otherwise. */
  status(otherwise: number): number {
    return this.missed && otherwise === 0 ? 1 : otherwise
  }
}
