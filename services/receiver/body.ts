/** Reads a request's body: what it was sent as, unpacked, within limits on both. */
import type { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { type Buffers, freshBuffers } from '../../generators/buffer-pool.js'
import { Problem } from '../problem.js'

export interface BodyLimits {
  /** Of the body as it is sent. */
  readonly sentBytes: number
  /** Of what it unpacks to. */
  readonly unpackedBytes: number
}

/** Room for bodies that are on their way. */
export interface Room {
  /** @throws Problem 503 when there is none */
  reserve(bytes: number): void
  release(bytes: number): void
}

export interface BodyHeaders {
  readonly encoding: string | undefined
  /** As it is sent, by its sender's word; 0: not known. */
  readonly length: number
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

const newline = 10
/** Where the length is not known. */
const usualBytes = 16_384
/** Less than this has memory of its own: a pool's sizes would make many small bodies large. */
const pooledBytes = 65_536
/** A buffer of more than so many times its lines is changed for one that fits them. */
const mostSpare = 1.125

/**
 * The whole body, unpacked, with a newline at its end, in a buffer from `buffers`. What does not fit is refused as soon as that is known: never more than the limit lies in memory.
 * @throws Problem 413 beyond a limit, 415 for another encoding, 400 for what is not of its encoding, 503 without room
 */
export async function readBody(
  sent: Readable,
  { encoding, length }: BodyHeaders,
  limits: BodyLimits,
  buffers: Buffers,
  space: Room,
): Promise<Uint8Array> {
  const { sentBytes, unpackedBytes } = limits
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return collect(counted(sent, sentBytes), unpackedBytes, length, buffers, space)
  const unpacker = unpackers[name]
  if (unpacker === undefined) {
    throw new Problem(415, `Bodies encoded as that are not taken: ${['identity', ...encodings].join(', ')} are.`, {
      'accept-encoding': encodings.join(', '),
    })
  }
  const unpacked = unpacker()
  const feeding = feed(counted(sent, sentBytes), unpacked)
  try {
    const [body] = await Promise.all([collect(unpacked, unpackedBytes, 0, buffers, space), feeding])
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

/** @param expected bytes, if that is known: nothing is moved then */
async function collect(from: AsyncIterable<Buffer>, most: number, expected: number, buffers: Buffers, space: Room): Promise<Uint8Array> {
  let body: Uint8Array | undefined
  let filled = 0
  let reserved = 0
  /** With a byte to spare for the newline. */
  const room = (wanted: number): Uint8Array => {
    if (body !== undefined && body.length > wanted) return body
    const bytes = 1 + Math.min(most, Math.max(wanted, body === undefined ? expected || usualBytes : 2 * body.length))
    space.reserve(bytes - reserved)
    reserved = bytes
    const larger = (bytes < pooledBytes ? freshBuffers : buffers).take(bytes)
    if (body !== undefined) {
      larger.set(body.subarray(0, filled))
      buffers.give(body)
    }
    body = larger
    return larger
  }
  try {
    for await (const chunk of from) {
      if (filled + chunk.length > most) throw tooLarge(most, 'once it is unpacked')
      room(filled + chunk.length).set(chunk, filled)
      filled += chunk.length
    }
    if (body !== undefined && body[filled - 1] !== newline) body[filled++] = newline
    if (body === undefined) return new Uint8Array(0)
    if (body.length <= mostSpare * filled) return body.subarray(0, filled)
    // What is kept until its batch is stored keeps no more memory than it counts for.
    const fitting = (filled < pooledBytes ? freshBuffers : buffers).take(filled)
    fitting.set(body.subarray(0, filled))
    buffers.give(body)
    return fitting
  } catch (error) {
    if (body !== undefined) buffers.give(body)
    throw error
  } finally {
    space.release(reserved)
  }
}

function tooLarge(most: number, when: string): Problem {
  // What is still to come is not read: the connection goes with the answer.
  return new Problem(413, `The body has more than ${most} bytes ${when}: send fewer lines at once.`, { connection: 'close' })
}
