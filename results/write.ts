/** Turns a result into text and leaves it in a file, whole or not at all. */
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOf } from './hashes.js'
import { redactDeep } from './redact.js'
import type { Result } from './result.js'

/** Where results go unless told otherwise, below the working directory. */
export const defaultFolder = join('results', 'runs')

/** A result that could not be written: what was wrong, where, and what to do. */
export class ResultWriteError extends Error {
  constructor(folder: string, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    const remedy = remedies[code] ?? 'choose another folder with --out'
    super(`cannot write the result to ${folder}: ${(cause as Error).message}; ${remedy}`, { cause })
    this.name = 'ResultWriteError'
  }
}

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or choose a folder on another disk with --out',
  EACCES: 'you may not write there: change its permissions, or choose another folder with --out',
  EROFS: 'that file system is read-only: choose another folder with --out',
  ENOTDIR: 'part of that path is a file: choose another folder with --out',
}

/**
 * The document as JSON text, ended by a newline: what goes to stdout and into the file.
 * Every string passes through redaction, so that no error message can carry a password out.
 * @param secrets further words to hide wherever they turn up: see `secretsOf`.
 * @throws TypeError naming the field when a number is NaN or infinite, which JSON would silently turn into null.
 */
export function serialize(result: object, secrets: readonly string[] = []): string {
  requireFinite(result, 'result')
  return `${JSON.stringify(redactDeep(result, secrets), null, 2)}\n`
}

/** `<UTC stamp>-<scenario>-<short hash>.json`; the hash is of the content, so two results never share a name. */
export function fileName(result: Result): string {
  return documentName(result, result.runs[0]?.scenario ?? 'none')
}

/** As `fileName`, of any document with the instant of its making; `subject` becomes a word of the name. */
export function documentName(document: { readonly createdAt: string }, subject: string): string {
  const stamp = document.createdAt.replace(/\.\d+/, '').replace(/[-:]/g, '')
  const word = subject.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return `${stamp}-${word.replace(/^-+|-+$/g, '').slice(0, 60) || 'none'}-${hashOf(redactDeep(document)).slice(0, 8)}.json`
}

/**
 * Writes a result atomically: a temporary file in the same folder, synced, renamed into place, the folder synced. A
 * reader or a crash sees the whole file or none.
 * @returns the file's path.
 * @throws ResultWriteError when it cannot be written; nothing is left behind.
 */
export function writeResult(result: Result, folder: string = defaultFolder, secrets: readonly string[] = []): Promise<string> {
  return writeDocument(result, fileName(result), folder, secrets)
}

/** As `writeResult`, of any document under a name of its own. */
export async function writeDocument(document: object, name: string, folder: string, secrets: readonly string[] = []): Promise<string> {
  const text = serialize(document, secrets)
  const path = join(folder, name)
  const partial = join(folder, `.${process.pid}-${Date.now()}.partial`)
  try {
    await mkdir(folder, { recursive: true })
    const file = await open(partial, 'wx')
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(partial, path)
    const directory = await open(folder, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {})
    throw new ResultWriteError(folder, error)
  }
  return path
}

function requireFinite(value: unknown, path: string): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${path} is ${value}, which a result cannot hold`)
  if (Array.isArray(value)) for (const [i, item] of value.entries()) requireFinite(item, `${path}[${i}]`)
  else if (value !== null && typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) requireFinite(member, `${path}.${key}`)
  }
}
