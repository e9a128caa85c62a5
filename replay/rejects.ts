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

async function* lines(stores: readonly { readonly target: string; readonly store: Store }[]): AsyncGenerator<string> {
  for (const { target, store } of stores) {
    for await (const { line, ...reject } of store.rejected()) yield `${JSON.stringify({ target, ...reject, ...content(line) })}\n`
  }
}

/** Writes the file whole or not at all. */
export async function exportRejects(path: string, stores: readonly { readonly target: string; readonly store: Store }[]): Promise<void> {
  const partial = `${path}.partial`
  try {
    await pipeline(Readable.from(lines(stores)), createWriteStream(partial))
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw new Error(`cannot write the rejected lines to ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
