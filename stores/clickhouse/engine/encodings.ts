/** Content encodings: what a client may have compressed, and what it may be answered with. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable, Transform, Writable } from 'node:stream'
import zlib, { constants, createBrotliDecompress, createGunzip, createGzip, createInflate } from 'node:zlib'
import { failures } from './failures.js'
import { isOn } from './parameters.js'

/** Node has it from 22.15 on. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform }

const decoders: Readonly<Record<string, (() => Transform) | undefined>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/**
 * The body as it was before it was compressed.
 * @throws Failure for an encoding that is not known here
 */
export function bodyOf(request: IncomingMessage): Readable {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase()
  if (encoding === undefined || encoding === '' || encoding === 'identity') return request
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (decoder === undefined) throw failures.encoding(encoding)
  const decoded = decoder()
  request.on('error', (error) => decoded.destroy(error))
  request.on('aborted', () => decoded.destroy(failures.brokenOff()))
  return request.pipe(decoded)
}

/** What an answer's bytes are written to; sets the header where they are compressed on their way. Call it before the first byte. */
export function answerOf(request: IncomingMessage, response: ServerResponse, search: URLSearchParams): Writable {
  const accepted = String(request.headers['accept-encoding'] ?? '')
  if (!isOn(search.get('enable_http_compression') ?? undefined) || !/\bgzip\b/i.test(accepted)) return response
  response.setHeader('Content-Encoding', 'gzip')
  const level = Number(search.get('http_zlib_compression_level') ?? 3)
  const encoder = createGzip({ level: level >= 1 && level <= 9 ? level : 3, flush: constants.Z_NO_FLUSH })
  encoder.pipe(response)
  return encoder
}
