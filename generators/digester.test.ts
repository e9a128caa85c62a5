/** The digester: what agrees reconciles in any order and any pieces, and every kind of damage is found where it is. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Place } from './digester.js'
import { Digester } from './digester.js'
import { copyHeader, copyTrailer, Encoder, messageHeaderBytes } from './encoder.js'
import { chunkOf } from './encoder.testing.js'

const first = 1_000
const count = 500

/** An encoder whose first arena holds records 1000 to 1500 of source 3, every fiftieth of them rejected. */
function filled(): Encoder {
  const encoder = new Encoder({
    format: 'combined',
    partitionKey: 'id',
    partitions: 4,
    arenaBytes: 2_000_000,
    arenas: 2,
    segmentBytes: 4_096,
  })
  encoder.addMonth('2015-05')
  encoder.addMonth('2015-06')
  const lines = Array.from({ length: count }, (_, index) =>
    index % 50 === 49
      ? `no record ${index}`
      : `10.0.0.${index % 256} - - [17/${index < 250 ? 'May' : 'Jun'}/2015:10:05:03 +0000] "GET /${'x'.repeat(index % 70)} HTTP/1.1" 200 ${index} "-" "a"`,
  )
  assert.is(encoder.encode(0, chunkOf(lines, first, 3)).lines, count)
  return encoder
}

interface Found {
  readonly position: number
  readonly place: Place
  readonly tuple: Uint8Array
}

/** The arena's tuples one by one, copied out. */
function tuplesOf(encoder: Encoder): Found[] {
  const found: Found[] = []
  const cut = (segments: readonly Uint8Array[], place: Place) => {
    for (const segment of segments) {
      const bytes = Buffer.from(segment.subarray(messageHeaderBytes))
      for (let at = 0; at < bytes.length; ) {
        const start = at
        const fields = bytes.readInt16BE(at)
        at += 2
        for (let field = 0; field < fields; field++) at += 4 + Math.max(0, bytes.readInt32BE(at))
        found.push({ position: Number(bytes.readBigInt64BE(start + 14)), place, tuple: bytes.subarray(start, at) })
      }
    }
  }
  for (const { segments, month, remainder } of encoder.leaves(0)) cut(segments, { month, remainder })
  cut(encoder.rejects(0).segments, undefined)
  return found
}

const encoder = filled()
const tuples = tuplesOf(encoder)

function digester(buckets?: number): Digester {
  const made = new Digester({ source: 3, first, length: count, ...(buckets === undefined ? {} : { buckets }) }, encoder.kernel)
  made.expect(encoder, 0)
  return made
}

function message(tuple: Uint8Array): Buffer {
  const header = Buffer.alloc(5, 'd')
  header.writeInt32BE(tuple.length + 4, 1)
  return Buffer.concat([header, tuple])
}

function at(position: number): Found {
  const found = tuples.find((tuple) => tuple.position === position)
  if (!found) throw new Error(`no tuple of record ${position}`)
  return found
}

test('what was expected and found reconciles, in any order', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(tuples, { minLength: count, maxLength: count }), (shuffled) => {
      const audit = digester()
      assert.equal(audit.bad(), [{ from: first, to: first + count }])
      for (const { tuple, place } of shuffled) audit.found(tuple, place)
      assert.equal(audit.bad(), [])
      assert.equal(audit.unexpected(), { total: 0, records: [] })
      assert.is(audit.foundTuples, count)
    }),
    { numRuns: 10 },
  )
})

test('an arena of another kernel, whole blocks and the wire come to the same', () => {
  const audit = new Digester({ source: 3, first, length: count })
  audit.expect(encoder, 0)
  assert.ok(audit.copiedBytes > 0)
  for (const leaf of encoder.leaves(0))
    audit.found(Buffer.concat(leaf.segments.map((segment) => segment.subarray(messageHeaderBytes))), leaf)
  for (const segment of encoder.rejects(0).segments) assert.is(audit.foundWire(segment, undefined), undefined)
  assert.equal(audit.bad(), [])
})

test('the wire may be cut anywhere, and ends at the first message that is not CopyData', () => {
  const place = { month: '2015-05', remainder: 1 }
  const leaf = tuples.filter((tuple) => tuple.place?.month === place.month && tuple.place.remainder === place.remainder)
  const [opening, ...rest] = leaf
  const header = Buffer.from(copyHeader.subarray(messageHeaderBytes))
  // As a server sends it: the header together with the first row, then a message for each.
  const wire = Buffer.concat([
    message(Buffer.concat([header, opening?.tuple ?? header])),
    ...rest.map(({ tuple }) => message(tuple)),
    copyTrailer,
  ])
  const after = Buffer.from('c\0\0\0\x04C\0\0\0\rCOPY 121\0Z\0\0\0\x05T', 'latin1')
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: wire.length - 1 }), { maxLength: 30 }), (cuts) => {
      const audit = digester()
      const edges = [0, ...cuts.sort((a, b) => a - b), wire.length + after.length]
      const whole = Buffer.concat([wire, after])
      for (const [index, from] of edges.slice(0, -1).entries()) {
        const stop = audit.foundWire(whole.subarray(from, edges[index + 1]), place)
        assert.equal(stop, index + 2 === edges.length ? { type: 'c', offset: wire.length - from } : undefined)
      }
      assert.is(audit.foundTuples, leaf.length)
      // The next stretch begins afresh.
      for (const { tuple, place } of tuples.filter((tuple) => !leaf.includes(tuple))) audit.foundWire(message(tuple), place)
      assert.equal(audit.bad(), [])
    }),
    { numRuns: 50 },
  )
})

test('a message larger than its memory grows it', () => {
  const big = chunkOf(['x'.repeat(1_500_000), 'y'], 0, 3)
  const long = new Encoder({ format: 'combined', partitionKey: 'id', partitions: 1, arenaBytes: 4_000_000, arenas: 1 })
  long.encode(0, big)
  for (const feed of ['wire', 'block'] as const) {
    const audit = new Digester({ source: 3, first: 0, length: 2 })
    audit.expect(long, 0)
    const [segment = new Uint8Array(), ...others] = long.rejects(0).segments.map((bytes) => Buffer.from(bytes))
    for (const bytes of [segment, ...others]) {
      if (feed === 'wire')
        for (let from = 0; from < bytes.length; from += 100_000) audit.foundWire(bytes.subarray(from, from + 100_000), undefined)
      else audit.found(bytes.subarray(messageHeaderBytes), undefined)
    }
    assert.equal(audit.bad(), [], feed)
  }
})

test('every kind of damage is found at its position', () => {
  const damage: [string, (audit: Digester) => void][] = [
    ['loss', () => undefined],
    [
      'duplicate',
      (audit) => {
        audit.found(at(1_234).tuple, at(1_234).place)
        audit.found(at(1_234).tuple, at(1_234).place)
      },
    ],
    [
      'misplaced in another remainder',
      (audit) => audit.found(at(1_234).tuple, { month: '2015-05', remainder: 3 - (at(1_234).place?.remainder ?? 0) }),
    ],
    [
      'misplaced in another month',
      (audit) => audit.found(at(1_234).tuple, { month: '2015-06', remainder: at(1_234).place?.remainder ?? 0 }),
    ],
    ['in no partition', (audit) => audit.found(at(1_234).tuple, undefined)],
  ]
  for (let byte = 26; byte < at(1_234).tuple.length; byte++) {
    const corrupt = Uint8Array.from(at(1_234).tuple)
    corrupt[byte] = (corrupt[byte] ?? 0) ^ 1
    damage.push([`byte ${byte} corrupted`, (audit) => tryFound(audit, corrupt)])
  }
  for (const buckets of [count, 1 << 17]) {
    for (const [name, act] of damage) {
      const audit = digester(buckets)
      for (const { tuple, place, position } of tuples) if (position !== 1_234) audit.found(tuple, place)
      act(audit)
      assert.equal(audit.bad(), [{ from: 1_234, to: 1_235 }], name)
    }
  }
})

/** A corrupt length makes a tuple unreadable, which the caller is told; the record is missing all the same. */
function tryFound(audit: Digester, tuple: Uint8Array): void {
  try {
    audit.found(tuple, at(1_234).place)
  } catch (error) {
    assert.match(String(error), /no tuple of a binary COPY/)
  }
}

test('fields swapped between two records of a bucket do not cancel out', () => {
  const audit = digester(1)
  const swap = new Map([
    [1_100, 1_101],
    [1_101, 1_100],
  ])
  for (const { tuple, place, position } of tuples) {
    const other = swap.get(position)
    const bytes = Buffer.from(tuple)
    // The last number of the address.
    if (other !== undefined) bytes[45] = at(other).tuple[45] ?? 0
    audit.found(bytes, place)
  }
  assert.is(audit.bad().length, 1)
})

test('records of another source or beyond the range are counted and named', () => {
  const audit = new Digester({ source: 3, first: first + 10, length: count - 20, unexpected: 5 })
  for (const { tuple, place } of tuples) audit.found(tuple, place)
  const { total, records } = audit.unexpected()
  assert.is(total, 20)
  assert.is(records.length, 5)
  for (const { source, position } of records) assert.ok(source === 3 && (position < first + 10 || position >= first + count - 10))
  const other = new Digester({ source: 4, first, length: count })
  other.found(at(1_000).tuple, at(1_000).place)
  assert.equal(other.unexpected(), { total: 1, records: [{ source: 3, position: 1_000 }] })
  assert.throws(() => other.expect(encoder, 0), /not of records 1000 to 1500 of source 4/)
})

test('neighbouring ranges are joined up to a limit', () => {
  const audit = digester(128)
  for (const { tuple, place, position } of tuples) if (position < 1_100 || position >= 1_120) audit.found(tuple, place)
  assert.equal(audit.bad(), [{ from: 1_100, to: 1_120 }])
  assert.equal(audit.bad(8), [
    { from: 1_100, to: 1_108 },
    { from: 1_108, to: 1_116 },
    { from: 1_116, to: 1_120 },
  ])
})

test('listing names the tuples of a range, with digests that compare across sides', () => {
  const audit = digester()
  const positions = { from: 1_190, to: 1_260 }
  const byPosition = (a: { position: number }, b: { position: number }) => a.position - b.position
  const plain = (listed: { position: number; digest: bigint; place: Place }[]) =>
    listed.sort(byPosition).map(({ position, digest, place }) => [position, digest, place?.month, place?.remainder])
  const expected = plain(audit.listExpected(encoder, 0, positions))
  assert.equal(
    expected.map(([position]) => position),
    Array.from({ length: 70 }, (_, index) => 1_190 + index),
  )
  assert.is(new Set(expected.map(([, digest]) => digest)).size, 70)
  assert.equal(plain(tuples.flatMap(({ tuple, place }) => audit.listFound(tuple, place, positions))), expected)
  assert.equal(plain(tuples.flatMap(({ tuple, place }) => audit.listWire(message(tuple), place, positions).listed)), expected)
  const misplaced = audit.listFound(at(1_200).tuple, { month: '2015-06', remainder: 0 }, positions)
  assert.is(misplaced[0]?.digest, audit.listFound(at(1_200).tuple, at(1_200).place, positions)[0]?.digest)
})

test('any bytes are digested or refused, never worse', () => {
  const audit = new Digester({ source: 3, first, length: count })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(tuples.length - 1), fc.nat(200), (noise, index, cut) => {
      const tuple = tuples[index]?.tuple ?? noise
      for (const bytes of [noise, Buffer.concat([tuple.subarray(0, cut % (tuple.length + 1)), noise])]) {
        try {
          audit.found(bytes, undefined)
        } catch (error) {
          assert.match(String(error), /no tuple/)
        }
        try {
          const stop = audit.foundWire(bytes, undefined)
          if (stop) assert.ok(stop.type !== 'd' && stop.offset < bytes.length)
        } catch (error) {
          assert.match(String(error), /whole tuples/)
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test.run()
