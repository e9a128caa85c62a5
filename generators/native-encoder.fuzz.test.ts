/** The Native encoder against arbitrary input: whatever lines there are, its blocks hold what the Encoder's tuples hold. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Encoder, minArenaBytes } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import { damaged, logged, render, runs } from './logged-lines.testing.js'
import { NativeEncoder } from './native-encoder.js'
import { encodeAllNative } from './native-encoder.testing.js'
import type { Chunk, Format } from './record.js'
import { formats } from './record.js'

/** What an encoder makes of chunks, without what differs between them on purpose. */
function same(tuples: Encoder, native: NativeEncoder, chunks: readonly Chunk[]): { readonly stops: number } {
  const expected = encodeAll(tuples, chunks)
  const { stops, ...made } = encodeAllNative(native, chunks)
  const rows = expected.rows.map(({ remainder, ...columns }) => columns)
  assert.equal(made.rows, rows)
  assert.equal(made.rejects, expected.rejects)
  if (stops === 0) assert.equal(made.runs, expected.runs)
  return { stops }
}

/** Any lines, good or damaged, now and then a long one, cut into chunks. */
function chunksOf(format: Format): fc.Arbitrary<Chunk[]> {
  const good = logged.map((fields) => new Uint8Array(Buffer.from(render(fields, format))))
  const long = fc.tuple(fc.constantFrom(60_000, 65_536, 65_537, 1_048_576, 1_200_000), fc.constantFrom(0x20, 0x22, 0x78, 0x80))
  const line = fc.oneof(
    { weight: 20, arbitrary: good },
    { weight: 20, arbitrary: damaged(format) },
    { weight: 1, arbitrary: long.map(([length, byte]) => new Uint8Array(length).fill(byte)) },
    {
      weight: 2,
      arbitrary: fc.tuple(logged, fc.nat(70_000)).map(([fields, length]) => {
        const request = `GET /${'p'.repeat(length)} HTTP/1.1`
        return new Uint8Array(Buffer.from(render({ ...fields, request }, format)))
      }),
    },
  )
  return fc.array(fc.array(line, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 3 }).map((groups) => {
    let first = 0
    return groups.map((lines) => {
      const chunk = chunkOf(lines, first)
      first += lines.length
      return chunk
    })
  })
}

/** Lines of no format, so that all their bytes are kept: the small arena must be emptied before the last, whatever else is drawn. */
const moreThanAnArena = [
  chunkOf(
    Array.from({ length: 30 }, () => new Uint8Array(60_000).fill(0x78)),
    0,
  ),
]

for (const format of formats) {
  test(`any ${format} lines make the same rows, rejects and runs as tuples`, () => {
    const tuples = new Encoder({
      format,
      partitionKey: 'id',
      partitions: 1,
      arenaBytes: 64_000_000,
      arenas: 1,
      mappedAddresses: 'alike',
    })
    const large = new NativeEncoder({ format, arenaBytes: 64_000_000, arenas: 1 })
    const small = new NativeEncoder({ format, arenaBytes: minArenaBytes, arenas: 1, segmentBytes: 256 })
    let stops = 0
    fc.assert(
      fc.property(chunksOf(format), (chunks) => {
        same(tuples, large, chunks)
        stops += same(tuples, small, chunks).stops
      }),
      { numRuns: Math.ceil(runs.numRuns / 10), examples: [[moreThanAnArena]] },
    )
    assert.ok(stops > 0)
  })
}

test.run()
