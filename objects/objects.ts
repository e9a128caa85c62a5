/** The contract of an object store: whole things under a name, written once, read often. */

import type { Buffers } from '../generators/buffer-pool.js'

export interface Objects {
  /**
   * Stores an object under a name that is not taken. When this resolves it lies where the store promises to keep it; until then
   * nobody sees any of it. Names are of small letters, digits, dots and hyphens, and sort as they came.
   * Is the name taken, the object that has it stays; the same bytes count as stored.
   * @throws TakenNameError when other bytes have the name
   * @throws Error that says what was wrong, where, and what to do; nothing of the object is there then, as far as can be known
   */
  put(name: string, parts: readonly Uint8Array[]): Promise<void>
  /**
   * A whole object, where it can be in a buffer from `buffers`, which whoever asked gives back.
   * @throws MissingObjectError when there is none of that name
   */
  get(name: string, buffers?: Buffers): Promise<Uint8Array>
  /** Names in order, from behind `after` on, at most so many. */
  list(after: string, most: number): Promise<readonly string[]>
  /** A name that is not there is fine. */
  remove(name: string): Promise<void>
  close(): Promise<void>
}

export class MissingObjectError extends Error {
  constructor(readonly objectName: string) {
    super(`there is no object ${objectName}`)
    this.name = 'MissingObjectError'
  }
}

export class TakenNameError extends Error {
  constructor(
    readonly objectName: string,
    where: string,
  ) {
    super(`another object has the name ${objectName} in ${where}; it stays, and what was to be stored needs another name`)
    this.name = 'TakenNameError'
  }
}

export function isName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{0,199}$/.test(name)
}

/** @throws RangeError when it could not be the name of an object in every store */
export function checkName(name: string): void {
  if (!isName(name)) throw new RangeError(`"${name}" is no name for an object: small letters, digits, dots, hyphens`)
}
