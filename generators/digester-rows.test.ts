/** The digester on RowBinary: the same digests as for the tuples of the same records, in any pieces, and no bytes lead it astray. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Digester, type Place } from './digester.js'
import { Encoder } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import { rejectBinary, rowBinary } from './row-binary.testing.js'
import type { RowTuple } from './tuples.js'

const first = 1_000
const count = 300
const may = { month: '2015-05', remainder: 0 }
const addresses = ['10.0.0.7', '::ffff:10.0.0.7', '::ffff:a00:7', '2001:db8::1', '::10.0.0.7', '::fffe:10.0.0.7', '0.0.0.0', '::ffff:0:0']

const lines = Array.from({ length: count }, (_, i) => {
  if (i % 20 === 19) return `no record ${i}${'x'.repeat(i * 3)}`
  const size = i % 3 === 0 ? '-' : String(i)
  const agent = i % 5 === 0 ? '-' : 'a'.repeat(i % 200)
  const user = i % 4 === 0 ? '-' : 'frank'
  return Buffer.from(
    `${addresses[i % 8]} - ${user} [17/May/2015:10:05:03 +0000] "GET /é${'x'.repeat(i)} HTTP/1.1" 200 ${size} "${i % 7 === 0 ? '-' : 'r'}" "${agent}"`,
  )
})
const chunk = chunkOf(lines, first, 3)
const options = { format: 'combined', partitionKey: 'id', partitions: 1, arenaBytes: 3_000_000, arenas: 1 } as const
const encoder = new Encoder({ ...options, mappedAddresses: 'alike' })
encoder.addMonth('2015-05')
const { rows, rejects } = encodeAll(encoder, [chunk])
encoder.encode(0, chunk)

interface Found {
  readonly position: number
  readonly kind: 'rows' | 'rejects'
  readonly place: Place
  readonly bytes: Buffer
}

const found: Found[] = [
  ...rows.map((row) => ({ position: row.position, kind: 'rows' as const, place: may, bytes: rowBinary(row) })),
  ...rejects.map((reject) => ({ position: reject.position, kind: 'rejects' as const, place: undefined, bytes: rejectBinary(reject) })),
]

function digester(): Digester {
  return new Digester({ source: 3, first, length: count, encoding: 'row-binary' }, encoder.kernel)
}

function expecting(): Digester {
  const audit = digester()
  audit.expect(encoder, 0)
  return audit
}

function row(position: number): RowTuple {
  const found = rows.find((row) => row.position === position)
  if (!found) throw new Error(`no row of record ${position}`)
  return found
}

/** What does not reconcile once this row has taken the place of record 1001's. */
function badWith(changed: Partial<RowTuple> | Buffer) {
  const audit = expecting()
  for (const { position, kind, place, bytes } of found) {
    const other = changed instanceof Buffer ? changed : rowBinary({ ...row(1_001), ...changed })
    audit.foundWire(position === 1_001 ? other : bytes, place, kind)
  }
  audit.endWire()
  return audit.bad()
}

test('rows reconcile with the tuples of the same records, in any order', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(found, { minLength: count, maxLength: count }), (shuffled) => {
      const audit = expecting()
      assert.equal(audit.bad(), [{ from: first, to: first + count }])
      for (const { kind, place, bytes } of shuffled) audit.foundWire(bytes, place, kind)
      audit.endWire()
      assert.equal(audit.bad(), [])
      assert.equal(audit.unexpected(), { total: 0, records: [] })
      assert.is(audit.foundTuples, count)
    }),
    { numRuns: 10 },
  )
})

for (const kind of ['rows', 'rejects'] as const) {
  const these = found.filter((each) => each.kind === kind)
  const whole = Buffer.concat(these.map(({ bytes }) => bytes))

  test(`${kind} may be cut at every byte`, () => {
    const audit = expecting()
    for (const { kind, place, bytes } of found) if (!these.some((each) => each.bytes === bytes)) audit.foundWire(bytes, place, kind)
    for (const byte of whole) assert.is(audit.foundWire(Uint8Array.of(byte), these[0]?.place, kind), undefined)
    audit.endWire()
    assert.equal(audit.bad(), [])
  })

  test(`${kind} may be cut anywhere`, () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 30 }), (cuts) => {
        const audit = expecting()
        const edges = [0, ...cuts.sort((a, b) => a - b), whole.length]
        for (const [index, from] of edges.slice(0, -1).entries())
          audit.foundWire(whole.subarray(from, edges[index + 1]), these[0]?.place, kind)
        audit.endWire()
        for (const { kind, place, bytes } of found) if (!these.some((each) => each.bytes === bytes)) audit.foundWire(bytes, place, kind)
        assert.equal(audit.bad(), [])
        assert.is(audit.foundTuples, count)
      }),
      { numRuns: 50 },
    )
  })
}

test('every column counts', () => {
  assert.equal(badWith({}), [])
  const one = [{ from: 1_001, to: 1_002 }]
  const changes: Partial<RowTuple>[] = [
    { createdAt: row(1_001).createdAt + 1_000_000n },
    { remoteAddr: '10.0.0.8' },
    { remoteAddr: '0:0:0:0:0:fffe:a00:7' },
    { remoteAddr: '0:0:0:0:0:0:a00:7' },
    { remoteUser: 'frang' },
    { remoteUser: 'frankG', method: 'ET' },
    { method: 'PUT' },
    { path: `${row(1_001).path}/` },
    { protocol: '' },
    { status: 201 },
    { bytes: 2n },
    { bytes: null },
    { bytes: -1n },
    { bytes: -(2n ** 63n) },
    { referrer: null },
    { referrer: '' },
    { userAgent: null },
    { userAgent: 'b' },
  ]
  for (const change of changes) {
    const name = JSON.stringify(change, (_, value) => (typeof value === 'bigint' ? String(value) : value))
    assert.equal(badWith(change), one, name)
  }
  // Record 1000 has no size: one below zero is none either, but not the same.
  assert.is(row(1_000).bytes, null)
  const audit = expecting()
  for (const { position, kind, place, bytes } of found)
    audit.foundWire(position === 1_000 ? rowBinary({ ...row(1_000), bytes: -1n }) : bytes, place, kind)
  assert.equal(audit.bad(), [{ from: 1_000, to: 1_001 }])
})

test('an IPv4 address and the IPv6 address it is mapped to are one', () => {
  assert.is(row(1_001).remoteAddr, '10.0.0.7')
  assert.is(row(1_002).remoteAddr, '10.0.0.7')
  assert.equal(badWith({ remoteAddr: '0:0:0:0:0:ffff:a00:7' }), [])
  const apart = new Encoder(options)
  assert.is(encodeAll(apart, [chunk]).rows.find(({ position }) => position === 1_001)?.remoteAddr, '0:0:0:0:0:ffff:a00:7')
})

test('loss, duplicates, another place and the other kind are found', () => {
  const others = (audit: Digester) => {
    for (const { position, kind, place, bytes } of found) if (position !== 1_001) audit.foundWire(bytes, place, kind)
  }
  const bytes = rowBinary(row(1_001))
  for (const [name, act] of [
    ['loss', () => undefined],
    ['duplicate', (audit: Digester) => audit.foundWire(Buffer.concat([bytes, bytes]), may)],
    ['another month', (audit: Digester) => audit.foundWire(bytes, { month: '2015-06', remainder: 0 })],
    ['no partition', (audit: Digester) => audit.foundWire(bytes, undefined)],
    [
      'a reject',
      (audit: Digester) =>
        audit.foundWire(
          rejectBinary({ source: 3, position: 1_001, reason: 'bad date', length: 1, line: Buffer.from('x') }),
          undefined,
          'rejects',
        ),
    ],
  ] as const) {
    const audit = expecting()
    others(audit)
    act(audit)
    assert.equal(audit.bad(), [{ from: 1_001, to: 1_002 }], name)
  }
  const audit = expecting()
  audit.foundWire(rowBinary({ ...row(1_001), position: 5 }), may)
  audit.foundWire(rowBinary({ ...row(1_001), source: -4 }), may)
  assert.equal(audit.unexpected(), {
    total: 2,
    records: [
      { source: 3, position: 5 },
      { source: -4, position: 1_001 },
    ],
  })
})

test('listing names rows with the digests of their tuples', () => {
  const audit = expecting()
  const positions = { from: 1_010, to: 1_050 }
  const plain = (listed: { position: number; digest: bigint; place: Place }[]) =>
    listed.sort((a, b) => a.position - b.position).map(({ position, digest, place }) => [position, digest, place?.month, place?.remainder])
  const expected = plain(audit.listExpected(encoder, 0, positions))
  assert.is(expected.length, 40)
  const listed = found.flatMap(({ kind, place, bytes }) => [
    ...audit.listWire(bytes.subarray(0, 21), place, positions, kind).listed,
    ...audit.listWire(bytes.subarray(21), place, positions, kind).listed,
  ])
  assert.equal(plain(listed), expected)
  // More rejects than anything else fit into the input, and all of them are named.
  const least = Buffer.concat(
    Array.from({ length: 40_000 }, () => rejectBinary({ source: 3, position: 1_010, reason: '', length: 0, line: Buffer.alloc(0) })),
  )
  assert.is(audit.listWire(least, undefined, positions, 'rejects').listed.length, 40_000)
})

test('a row larger than its memory grows it', () => {
  const long = new Encoder({ ...options, mappedAddresses: 'alike' })
  const big = chunkOf(['x'.repeat(1_500_000), 'y'.repeat(1_048_576), 'z'], 0, 3)
  const { rejects } = encodeAll(long, [big])
  long.encode(0, big)
  long.encode(0, big)
  const whole = Buffer.concat(rejects.map(rejectBinary))
  for (const piece of [100_000, 3_000_000]) {
    const audit = new Digester({ source: 3, first: 0, length: 3, encoding: 'row-binary' })
    for (let at = 0; at < big.count; ) {
      long.begin(0)
      at += long.encode(0, big, at).lines
      audit.expect(long, 0)
    }
    for (let from = 0; from < whole.length; from += piece) audit.foundWire(whole.subarray(from, from + piece), undefined, 'rejects')
    audit.endWire()
    assert.equal(audit.bad(), [])
  }
})

test('an answer that ends within a row is not taken for whole', () => {
  const audit = expecting()
  const bytes = rowBinary(row(1_001))
  audit.foundWire(bytes.subarray(0, 50), may)
  assert.throws(() => audit.foundWire(bytes, { month: '2015-06', remainder: 0 }), /ended within a row/)
  audit.foundWire(bytes.subarray(0, 50), may)
  assert.throws(() => audit.foundWire(bytes, may, 'rejects'), /ended within a row/)
  audit.foundWire(bytes.subarray(0, 50), may)
  assert.throws(() => audit.endWire(), /ended within a row/)
  audit.endWire()
  assert.is(audit.foundTuples, 0)
})

test('any bytes are digested, kept or refused, never worse', () => {
  const audit = digester()
  const size = audit.kernel.memory.buffer.byteLength
  const spare = fc.oneof(fc.constantFrom(0x00, 0x01, 0x02, 0x7f, 0x80, 0xff), fc.nat(255))
  const damaged = fc.tuple(fc.nat(found.length - 1), fc.array(fc.tuple(fc.nat(2_000), spare), { maxLength: 4 })).map(([index, damage]) => {
    const bytes = Buffer.from(found[index]?.bytes ?? [])
    for (const [at, byte] of damage) bytes[at % bytes.length] = byte
    return bytes
  })
  const noise = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes))
  const stretch = fc.array(fc.oneof(damaged, noise), { minLength: 1, maxLength: 5 }).map((pieces) => Buffer.concat(pieces))
  const outcome = (bytes: Buffer, kind: 'rows' | 'rejects', cut: number, surround: number) => {
    // What lies behind the bytes must not matter.
    audit.kernel.bytes().fill(surround, audit['input'], audit['input'] + bytes.length + 512)
    const before = audit.foundTuples
    let said = 'whole'
    try {
      audit.foundWire(bytes.subarray(0, cut), undefined, kind)
      audit.foundWire(bytes.subarray(cut), undefined, kind)
      audit.endWire()
    } catch (error) {
      assert.match(String(error), /no (rows|rejects) in RowBinary|ended within a row/)
      said = String(error)
    }
    const listed: unknown[] = []
    try {
      listed.push(audit.listWire(bytes, undefined, { from: first, to: first + count }, kind).listed)
      audit.endWire()
    } catch {}
    return [said, audit.foundTuples - before, listed]
  }
  fc.assert(
    fc.property(stretch, fc.constantFrom('rows' as const, 'rejects' as const), fc.nat(), (bytes, kind, at) => {
      const cut = at % (bytes.length + 1)
      const once = outcome(bytes, kind, cut, 0)
      assert.equal(outcome(bytes, kind, cut, 0xff), once)
      // Cut elsewhere, as much is found before the same end.
      assert.equal(outcome(bytes, kind, bytes.length, 0x41), once)
    }),
    { numRuns: Number(process.env['WEIR_FUZZ_RUNS'] ?? 2_000) },
  )
  assert.is(audit.kernel.memory.buffer.byteLength, size)
})

test('a length beyond any text is refused at once', () => {
  const audit = digester()
  const head = rowBinary(row(1_001)).subarray(0, 32)
  for (const length of [[0x81, 0x80, 0x80, 0x20], [0xff, 0xff, 0xff, 0xff, 0x0f], Array(11).fill(0x80)])
    assert.throws(() => audit.foundWire(Buffer.concat([head, Buffer.from(length), Buffer.alloc(20)]), may), /no rows in RowBinary/)
  // The largest that is waited for, of which nothing comes.
  audit.foundWire(Buffer.concat([head, Buffer.of(0x80, 0x80, 0x80, 0x20), Buffer.alloc(20)]), may)
  assert.throws(() => audit.endWire(), /ended within a row/)
})

test.run()
