/** Exports the lines that were rejected, with source, position and reason, one JSON object a line. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Store } from '../stores/store.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A line as text where it is text, else in base64: a reader must be able to get back the very bytes. */
function content(line: Uint8Array): { readonly line: string } | { readonly base64: string } {
  try {
    return { line: utf8.decode(line) }
  } catch {
    return { base64: Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('base64') }
  }
}

/** The rejects of one run. */
export interface RejectedIn {
  readonly target: string
  /** Label of the store. */
  readonly on: string
  readonly store: Store
}

async function* lines(runs: readonly RejectedIn[]): AsyncGenerator<string> {
  for (const { target, on, store } of runs) {
    for await (const { line, ...reject } of store.rejected())
      yield `${JSON.stringify({ target, store: on, ...reject, ...content(line) })}\n`
  }
}

/** Writes the file whole or not at all. */
export async function exportRejects(path: string, runs: readonly RejectedIn[]): Promise<void> {
  const partial = `${path}.partial`
  try {
    await pipeline(Readable.from(lines(runs)), createWriteStream(partial))
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw new Error(`cannot write the rejected lines to ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
