/** Reads a request's body: what it was sent as, unpacked, within limits on both. */
import type { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { Problem } from '../problem.js'

export interface BodyLimits {
  /** Of the body as it is sent. */
  readonly sentBytes: number
  /** Of what it unpacks to. */
  readonly unpackedBytes: number
}

type Unpacker = () => NodeJS.ReadWriteStream & Readable

/** Zstandard came to Node with 22.15. */
const createZstd = (zlib as { createZstdDecompress?: Unpacker }).createZstdDecompress

const unpackers: Readonly<Record<string, Unpacker | undefined>> = {
  gzip: () => zlib.createGunzip(),
  zstd: createZstd === undefined ? undefined : () => createZstd(),
}

/** Names of the encodings that this Node can unpack. */
export const encodings: readonly string[] = Object.keys(unpackers).filter((name) => unpackers[name] !== undefined)

/**
 * The whole body, unpacked. What does not fit is refused as soon as that is known: never more than the limit lies in memory.
 * @throws Problem 413 beyond a limit, 415 for another encoding, 400 for what is not of its encoding
 */
export async function readBody(sent: Readable, encoding: string | undefined, { sentBytes, unpackedBytes }: BodyLimits): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return collect(counted(sent, sentBytes), unpackedBytes)
  const unpacker = unpackers[name]
  if (unpacker === undefined) {
    throw new Problem(415, `Bodies encoded as that are not taken: ${['identity', ...encodings].join(', ')} are.`, {
      'accept-encoding': encodings.join(', '),
    })
  }
  const unpacked = unpacker()
  const feeding = feed(counted(sent, sentBytes), unpacked)
  try {
    const [body] = await Promise.all([collect(unpacked, unpackedBytes), feeding])
    return body
  } catch (error) {
    if (error instanceof Problem) throw error
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code.startsWith('Z_') || code.startsWith('ZSTD') || code === 'ERR_ZSTD' || error instanceof RangeError)
      throw new Problem(400, `The body is not ${name}, or is cut off.`)
    throw error
  } finally {
    unpacked.destroy()
    feeding.catch(() => undefined)
  }
}

async function* counted(sent: Readable, most: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of sent) {
    bytes += (chunk as Buffer).length
    if (bytes > most) throw tooLarge(most, 'as it is sent')
    yield chunk as Buffer
  }
}

async function feed(from: AsyncIterable<Buffer>, to: NodeJS.ReadWriteStream & Readable): Promise<void> {
  try {
    for await (const chunk of from) {
      if (to.destroyed) return
      if (!to.write(chunk)) {
        await new Promise<void>((done) => {
          to.once('drain', done)
          to.once('close', done)
        })
      }
    }
    to.end()
  } catch (error) {
    to.destroy(error as Error)
    throw error
  }
}

async function collect(from: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of from) {
    bytes += chunk.length
    if (bytes > most) throw tooLarge(most, 'once it is unpacked')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

function tooLarge(most: number, when: string): Problem {
  // What is still to come is not read: the connection goes with the answer.
  return new Problem(413, `The body has more than ${most} bytes ${when}: send fewer lines at once.`, { connection: 'close' })
}
