/** Bodies in memory: what is kept takes about as much as it has lines, however it came. */
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BufferPool } from '../../generators/buffer-pool.js'
import { readBody } from './body.js'

const limits = { sentBytes: 1 << 20, unpackedBytes: 1 << 20 }
const room = { reserve: () => undefined, release: () => undefined }

for (const bytes of [10, 5_000, 40_000, 70_000, 140_000, 530_000, (1 << 20) - 1]) {
  test(`${bytes} bytes, packed and not, of known length and not, keep no more than an eighth and a page beyond`, async () => {
    const text = Buffer.alloc(bytes, 'a')
    for (const [encoding, sent, length] of [
      ['gzip', gzipSync(text), 0],
      [undefined, text, 0],
      [undefined, text, bytes],
    ] as const) {
      const pieces = Array.from({ length: Math.ceil(sent.length / 60_000) }, (_, i) => sent.subarray(60_000 * i, 60_000 * (i + 1)))
      const body = await readBody(Readable.from(pieces), { encoding, length }, limits, new BufferPool(), room)
      assert.ok(Buffer.from(body).equals(Buffer.concat([text, Buffer.from('\n')])), `${encoding} ${length}`)
      assert.ok(body.buffer.byteLength <= 1.125 * body.length + 4096, `${encoding} ${length}: ${body.buffer.byteLength}`)
    }
  })
}

test('a body up to its limit never asks for more room than that', async () => {
  let most = 0
  const reserve = (bytes: number) => {
    most += bytes
  }
  const sent = Readable.from(Array.from({ length: 16 }, () => Buffer.alloc(65_536, 'a')))
  await readBody(sent, { encoding: undefined, length: 0 }, limits, new BufferPool(), { reserve, release: () => undefined })
  assert.ok(most <= limits.unpackedBytes + 1, String(most))
})

test.run()
