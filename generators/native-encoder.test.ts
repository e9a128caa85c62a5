/** The Native encoder: its blocks hold what the Encoder's tuples hold, by month, however often an arena is full. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Encoder, minArenaBytes } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import type { NativeEncoderOptions } from './native-encoder.js'
import { NativeEncoder } from './native-encoder.js'
import { bytesOf, decodeRejectBlock, decodeRowBlock, encodeAllNative } from './native-encoder.testing.js'
import type { Chunk, Format } from './record.js'
import { formats, keptLineBytes, maxLineBytes } from './record.js'

const good = '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 203023 "http://x.org/" "Mozilla/5.0"'

function native(options: Partial<NativeEncoderOptions> = {}): NativeEncoder {
  return new NativeEncoder({ format: 'combined', arenaBytes: 4_000_000, arenas: 2, ...options })
}

/** The encoder whose rows are taken for right; it has tests of its own. */
function tuples(format: Format): Encoder {
  return new Encoder({ format, partitionKey: 'id', partitions: 1, arenaBytes: 8_000_000, arenas: 1, mappedAddresses: 'alike' })
}

/** Lines of every kind: texts of every length, NULLs, months, addresses, and what is rejected. */
function variety(format: Format, count: number): (string | Uint8Array)[] {
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  return Array.from({ length: count }, (_, i) => {
    if (i % 17 === 16) return i % 2 === 0 ? `no record ${'x'.repeat(i % 300)}` : ''
    if (i % 101 === 100) return Uint8Array.of(0xff, 0, i % 256 === 10 ? 11 : i % 256)
    const address = [`10.0.${i % 256}.1`, `2001:db8::${(i % 65_536).toString(16)}`, `::ffff:1.2.3.${i % 256}`, '::'][i % 4]
    const user = i % 3 === 0 ? '-' : `user ${i}`
    const request = i % 11 === 0 ? '-' : `GET /${'p'.repeat(i % 131)}${i % 500 === 7 ? 'q'.repeat(20_000) : ''} HTTP/1.1`
    const size = i % 5 === 0 ? '-' : String(i * 1_000_003)
    const referrer = i % 7 === 0 ? '-' : i % 7 === 1 ? '' : `http://x.org/${'é'.repeat(i % 90)}`
    const agent = i % 13 === 0 ? '-' : 'a'.repeat((i * 3) % 400)
    // Most lines are of one month, so that its block has many pieces; the others are of any.
    const year = i % 6 === 0 ? 1990 + (i % 9) * 10 : 2020
    const month = i % 6 === 0 ? (i / 6) % 12 : 4
    if (format === 'json')
      return Buffer.from(
        JSON.stringify({
          time_iso8601: `${year}-${String(month + 1).padStart(2, '0')}-31T23:30:0${i % 10}-01:00`.replace('-31T', '-28T'),
          remote_addr: address,
          remote_user: user,
          request,
          status: 100 + (i % 900),
          body_bytes_sent: size,
          http_referer: referrer,
          http_user_agent: agent,
        }),
      )
    const start = `${address} - ${user} [28/${months[month]}/${year}:23:30:0${i % 10} -0100] "${request}" ${100 + (i % 900)} ${size}`
    return Buffer.from(format === 'common' ? start : `${start} "${referrer}" "${agent}"`)
  })
}

/** Asserts that both encoders make the same of chunks, and returns how often the Native one stopped. */
function compare(encoder: NativeEncoder, format: Format, chunks: readonly Chunk[]): number {
  const expected = encodeAll(tuples(format), chunks)
  const { rows, rejects, runs, stops } = encodeAllNative(encoder, chunks)
  assert.is(rows.length, expected.rows.length)
  for (const [index, row] of expected.rows.entries()) {
    const { remainder, ...columns } = row
    assert.equal(rows[index], columns)
  }
  assert.equal(rejects, expected.rejects)
  if (stops === 0 && expected.stops === 0) assert.equal(runs, expected.runs)
  const lines = chunks.reduce((sum, { count }) => sum + count, 0)
  assert.is(
    runs.reduce((sum, { count }) => sum + count, 0),
    lines,
  )
  assert.is(rows.length + rejects.length, lines)
  return stops
}

for (const format of formats) {
  test(`blocks of ${format} lines hold what tuples hold, field by field`, () => {
    const lines = variety(format, 9_000)
    compare(native({ format }), format, [chunkOf(lines.slice(0, 5_000), 2 ** 40, -3), chunkOf(lines.slice(5_000), 7, 2 ** 31 - 1)])
  })

  test(`a small arena of ${format} lines stops and goes on, and nothing is missing`, () => {
    const lines = variety(format, 9_000)
    lines[700] = 'x'.repeat(3_000_000)
    lines[701] = 'y'.repeat(keptLineBytes)
    const stops = compare(native({ format, arenaBytes: minArenaBytes, segmentBytes: 4_096, arenas: 1 }), format, [chunkOf(lines)])
    assert.ok(stops > 2)
  })
}

test('an empty arena of the least size takes the longest line of every kind', () => {
  const encoder = native({ arenaBytes: minArenaBytes, arenas: 1 })
  const huge = good.replace('/a?b=c', () => `/${'a'.repeat(maxLineBytes - good.length + 5)}`)
  assert.is(huge.length, maxLineBytes)
  for (const line of [huge, `${huge}x`, 'x'.repeat(keptLineBytes), 'x'.repeat(keptLineBytes + 1), 'x'.repeat(2_500_000)]) {
    encoder.begin(0)
    assert.equal(encoder.encode(0, chunkOf([line])), { lines: 1, full: false })
  }
  assert.is(compare(encoder, 'combined', [chunkOf([huge, 'x'.repeat(3_000_000)])]), 1)
})

test('each month is a block, in order, and months need not be announced', () => {
  const encoder = native()
  const dates = ['17/Jun/2015', '17/May/2015', '31/Dec/2099', '01/Jan/1970', '17/Jun/2015']
  const chunk = chunkOf(dates.map((date) => good.replace('17/May/2015', date)))
  assert.equal(encoder.encode(0, chunk), { lines: 5, full: false })
  assert.is(encoder.copiedBytes, chunk.lines.length)
  const months = () => encoder.blocks(0).map(({ month, rows }) => [month, rows])
  const all = [
    ['1970-01', 1],
    ['2015-05', 1],
    ['2015-06', 2],
    ['2099-12', 1],
  ]
  assert.equal(months(), all)
  assert.equal(encoder.months(), ['1970-01', '2015-05', '2015-06', '2099-12'])
  assert.equal(encoder.runs(0), [{ source: 1, first: 0, count: 5, reason: undefined }])
  encoder.begin(0)
  assert.equal(months(), [])
  assert.equal(encoder.rejects(0), { segments: [], rows: 0, bytes: 0 })
  encoder.encode(0, chunk, 4)
  assert.equal(months(), [['2015-06', 1]])
})

test('lines of every month there is fit into arenas', () => {
  const lines = Array.from({ length: 1_560 * 2 }, (_, index) => {
    const date = new Date(Date.UTC(1970, index % 1_560, 1 + (index % 28))).toUTCString()
    return good.replace('17/May/2015', `${date.slice(5, 7)}/${date.slice(8, 11)}/${date.slice(12, 16)}`)
  })
  const encoder = native({ arenas: 1 })
  const bytes = encoder.kernel.memory.buffer.byteLength
  assert.ok(compare(encoder, 'combined', [chunkOf(lines)]) > 0)
  assert.is(encoder.months().length, 1_560)
  assert.is(encoder.kernel.memory.buffer.byteLength, bytes)
})

test('arenas do not touch each other, and one that was read can be filled further', () => {
  const encoder = native()
  const chunk = chunkOf(variety('combined', 3_000))
  encoder.encode(0, chunk)
  const copy = () => [...encoder.blocks(0), encoder.rejects(0)].map(bytesOf)
  const before = copy()
  encoder.encode(1, chunkOf(variety('combined', 4_000)))
  encoder.begin(1)
  assert.equal(copy(), before)
  encoder.encode(0, { ...chunk, first: 3_000 })
  const rows = encoder.blocks(0).flatMap(decodeRowBlock)
  const rejects = decodeRejectBlock(encoder.rejects(0))
  assert.equal(
    new Set([...rows, ...rejects].map(({ position }) => position)),
    new Set(Array.from({ length: 6_000 }, (_, position) => position)),
  )
})

test('a store chooses the types of time and address', () => {
  const encoder = native({ createdAtType: "DateTime('UTC')", remoteAddrType: 'FixedString(16)' })
  encoder.encode(0, chunkOf([good]))
  const [block] = encoder.blocks(0)
  const text = bytesOf(block ?? encoder.rejects(0)).toString('latin1')
  const seconds = Buffer.alloc(4)
  seconds.writeUInt32LE(Date.UTC(2015, 4, 17, 10, 5, 3) / 1000)
  assert.match(text, `\ncreated_at\x0fDateTime('UTC')${seconds.toString('latin1')}`)
  assert.match(text, `\x0bremote_addr\x0fFixedString(16)${'\0'.repeat(10)}\xff\xff\x53\x95\x09\xd8`)
})

test('a full list of runs stops the encoder early', () => {
  const lines = Array.from({ length: 70_000 }, (_, index) => (index % 2 === 0 ? 'bad' : good))
  assert.is(compare(native({ arenaBytes: 40_000_000, arenas: 1 }), 'combined', [chunkOf(lines)]), 2)
})

test('what cannot be is refused', () => {
  assert.throws(() => native({ arenaBytes: 1_000 }), /arenaBytes must be a whole number from 1114112/)
  assert.throws(() => native({ segmentBytes: 3_000_000 }), /segmentBytes must be a whole number from 256 to 250000/)
  const encoder = native()
  const chunk = chunkOf([good, good])
  assert.throws(() => encoder.encode(0, { ...chunk, count: 3 }), /says it has 3 lines, but has 2/)
  assert.throws(() => encoder.blocks(2), /no arena 2/)
})

const log = join(process.env['WEIR_REAL_LOGS'] ?? '', 'apache-combined-10k.log')
if (process.env['WEIR_REAL_LOGS'] && existsSync(log)) {
  test('blocks of a real log hold what its tuples hold', () => {
    compare(native({ arenaBytes: 16_000_000 }), 'combined', [
      { source: 1, first: 0, count: 10_000, lines: new Uint8Array(readFileSync(log)) },
    ])
  })
} else {
  test.skip('blocks of a real log hold what its tuples hold (needs WEIR_REAL_LOGS)', () => {})
}

test.run()
