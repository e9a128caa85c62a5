/** The encoder: what becomes of real lines and of bad ones, where rows are routed, and how it stops and goes on. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { EncoderOptions } from './encoder.js'
import { Encoder, minArenaBytes } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import type { PartitionKey, RejectReason } from './record.js'
import { keptLineBytes, maxLineBytes } from './record.js'
import { createdAtIso } from './tuples.js'

function encoderFor(options: Partial<EncoderOptions> = {}): Encoder {
  return new Encoder({ format: 'combined', partitionKey: 'id', partitions: 4, arenaBytes: 4_000_000, arenas: 2, ...options })
}

const combined = new Encoder({ format: 'combined', partitionKey: 'id', partitions: 4, arenaBytes: 4_000_000, arenas: 1 })
const common = new Encoder({ format: 'common', partitionKey: 'id', partitions: 4, arenaBytes: 4_000_000, arenas: 1 })
const json = new Encoder({ format: 'json', partitionKey: 'id', partitions: 4, arenaBytes: 4_000_000, arenas: 1 })

const good = '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 203023 "http://x.org/" "Mozilla/5.0"'

/** A good line in which something is something else. */
function bad(from: string, to: string): string {
  assert.ok(good.includes(from), `${from} is not in the good line`)
  return good.replace(from, () => to)
}

function reasonOf(encoder: Encoder, line: string | Uint8Array): RejectReason | undefined {
  const { runs, rows, rejects } = encodeAll(encoder, [chunkOf([line])])
  assert.is(rows.length + rejects.length, 1)
  assert.is(rejects[0]?.reason, runs[0]?.reason)
  return runs[0]?.reason
}

function rowOf(encoder: Encoder, line: string) {
  const { rows, runs } = encodeAll(encoder, [chunkOf([Buffer.from(line)])])
  const [row] = rows
  if (!row) throw new Error(`rejected as ${runs[0]?.reason}: ${line}`)
  return { ...row, createdAt: createdAtIso(row.createdAt) }
}

test('reads every field of a combined line', () => {
  assert.equal(rowOf(combined, good), {
    source: 1,
    position: 0,
    createdAt: '2015-05-17T10:05:03.000Z',
    remoteAddr: '83.149.9.216',
    remoteUser: '',
    method: 'GET',
    path: '/a?b=c',
    protocol: 'HTTP/1.1',
    status: 200,
    bytes: 203023n,
    referrer: 'http://x.org/',
    userAgent: 'Mozilla/5.0',
    month: '2015-05',
    remainder: 0,
  })
})

test('reads every field of a JSON line, whatever the order, the other keys and the escapes', () => {
  const line =
    '\t{ "nested": {"a": [1, {"status": "500"}, "}]"], "b": null}, "http_user_agent":"a\\"b\\\\\\u00e9\\ud83d\\ude00\\/\\n","status":404 ,' +
    '"body_bytes_sent": "12", "x":-1.5e+7,"y":true,"z":false,"request":"GET \\/x y HTTP\\/2.0","remote_user":"j d","http_referer":"",' +
    '"remote_addr":"2001:db8::1","st\\u0061tus":"201","time_iso8601":"2024-02-29T23:30:00-01:00"} \r'
  const { createdAt, month, remoteAddr, remoteUser, method, path, protocol, status, bytes, referrer, userAgent } = rowOf(json, line)
  assert.equal(
    { createdAt, month, remoteAddr, remoteUser, method, path, protocol, status, bytes, referrer, userAgent },
    {
      createdAt: '2024-03-01T00:30:00.000Z',
      month: '2024-03',
      remoteAddr: '2001:db8:0:0:0:0:0:1',
      remoteUser: 'j d',
      method: 'GET',
      path: '/x y',
      protocol: 'HTTP/2.0',
      status: 201,
      bytes: 12n,
      referrer: null,
      userAgent: 'a"b\\é😀/\n',
    },
  )
})

test('a common line has neither referrer nor agent', () => {
  const { referrer, userAgent, bytes, remoteUser } = rowOf(common, '::1 id frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 -')
  assert.equal({ referrer, userAgent, bytes, remoteUser }, { referrer: null, userAgent: null, bytes: null, remoteUser: 'frank' })
  assert.is(reasonOf(common, good), 'truncated or malformed line')
})

test('splits requests of every shape', () => {
  for (const [request, method, path, protocol] of [
    ['GET /', 'GET', '/', ''],
    ['GET / HTTP/1.1', 'GET', '/', 'HTTP/1.1'],
    ['GET /a b c HTTP/1.0', 'GET', '/a b c', 'HTTP/1.0'],
    ['GET /a HTTP', 'GET', '/a HTTP', ''],
    ['GET HTTP/1.1', 'GET', 'HTTP/1.1', ''],
    ['GET  HTTP/1.1', 'GET', ' HTTP/1.1', ''],
    ['GET ', '', 'GET ', ''],
    [' / HTTP/1.1', '', ' / HTTP/1.1', ''],
    ['-', '', '-', ''],
    ['', '', '', ''],
    ['\\x16\\x03\\x01', '', '\\x16\\x03\\x01', ''],
    ['GET /\\"q\\" HTTP/1.1', 'GET', '/\\"q\\"', 'HTTP/1.1'],
    ['GET /\\\\', 'GET', '/\\\\', ''],
    [`GET /${'a b'.repeat(20_000)} HTTP/1.1`, 'GET', `/${'a b'.repeat(20_000)}`, 'HTTP/1.1'],
  ] as const) {
    const row = rowOf(
      combined,
      good.replace('GET /a?b=c HTTP/1.1', () => request),
    )
    assert.equal([row.method, row.path, row.protocol], [method, path, protocol], request)
  }
})

test('takes a user up to the first bracket that opens a date', () => {
  for (const [user, expected] of [
    ['-', ''],
    ['', ''],
    ['frank', 'frank'],
    ['a b  c', 'a b  c'],
    ['a [b] [c', 'a [b] [c'],
    ['x[17/May/2015:10:05:03 +0000]', 'x[17/May/2015:10:05:03 +0000]'],
  ] as const) {
    assert.is(
      rowOf(
        combined,
        good.replace('- - [', () => `- ${user} [`),
      ).remoteUser,
      expected,
      user,
    )
  }
})

test('a dash is NULL, an empty text is not', () => {
  const { referrer, userAgent } = rowOf(combined, good.replace('http://x.org/', '').replace('Mozilla/5.0', '-'))
  assert.equal([referrer, userAgent], ['', null])
})

test('one carriage return may precede the newline', () => {
  assert.is(reasonOf(combined, `${good}\r`), undefined)
  assert.is(reasonOf(combined, `${good}\r\r`), 'truncated or malformed line')
  assert.is(reasonOf(combined, '\r'), 'empty line')
})

test('rejects what is no record, with the reason', () => {
  const cases: [RejectReason, (string | Uint8Array)[]][] = [
    ['empty line', ['']],
    ['line too long', [bad('/a?b=c', `/${'a'.repeat(maxLineBytes)}`), 'x'.repeat(maxLineBytes + 1), 'x'.repeat(keptLineBytes + 1_000)]],
    ['NUL byte', [bad('Mozilla', 'Moz\0lla'), '\0', `${good}\0`]],
    [
      'invalid UTF-8',
      [
        '\x80',
        '\xc0\xaf',
        '\xc1\xbf',
        '\xe0\x9f\xbf',
        '\xed\xa0\x80',
        '\xf0\x8f\xbf\xbf',
        '\xf4\x90\x80\x80',
        '\xf5\x80\x80\x80',
        '\xff',
        '\xe2\x82',
      ]
        .flatMap((bytes) => [bad('Mozilla', bytes), `${good}${bytes}`, `${bytes}${good}`])
        .concat(bad('Mozilla/5.0', '\xe2\x82')),
    ],
    [
      'bad address',
      ['1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1..2.3', '1.2.3.', '.1.2.3', 'a.b.c.d', '-', '', 'localhost', '1.2.3.4:80']
        .concat([':', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', '1:2:3:4:5:6:7::8:9', '::g', ':1:2:3:4:5:6:7:8'])
        .concat(['1:2:3:4:5:6:7:', '1:2:3:4:5:6:7:1.2.3.4', '::1.2.3', '1.2.3.4::', '::1%eth0', '[::1]', '1:2:3:4:5:6:7:8::'])
        .map((address) => bad('83.149.9.216', address)),
    ],
    [
      'bad date',
      [
        '29/Feb/2015',
        '30/Feb/2016',
        '31/Apr/2015',
        '00/May/2015',
        '32/May/2015',
        '17/Mai/2015',
        '17/May/1969',
        '17/May/2100',
        '1a/May/2015',
      ]
        .map((day) => bad('17/May/2015', day))
        .concat(['24:00:00', '10:60:00', '10:00:60', '10-00:00', 'aa:00:00'].map((time) => bad('10:05:03', time)))
        .concat(['17/May/2015 10', '17-May/2015:10', '17/May-2015:10'].map((start) => bad('17/May/2015:10', start)))
        .concat(bad('03 +0000', '03_+0000'))
        .concat(['+1600', '+0060', '*0000', '+00:0'].map((offset) => bad('+0000', offset)))
        .concat(bad('17/May/2015:10:05:03 +0000', 'now'), bad('17/May/2015:10:05:03', '31/Dec/2099:23:30:00').replace('+0000', '-0100'))
        .concat(bad('17/May/2015:10:05:03', '01/Jan/1970:00:30:00').replace('+0000', '+0100')),
    ],
    ['bad status', ['99', '099', '20', '2000', 'abc', '-', ''].map((status) => bad(' 200 ', ` ${status} `))],
    ['bad size', ['', '-1', '1.5', 'x', '--', '9223372036854775808', '99999999999999999999'].map((size) => bad('203023', size))],
    [
      'truncated or malformed line',
      [
        bad('"GET', 'GET'),
        bad('"http', 'http'),
        `${good} `,
        `${good}"x"`,
        bad('] "', ']"'),
        bad(' - - ', '  - '),
        'x',
        '1.2.3.4 ',
        '1.2.3.4 - ',
      ],
    ],
  ]
  for (const [reason, lines] of cases) for (const line of lines) assert.is(reasonOf(combined, line), reason, String(line).slice(0, 200))
})

test('every line that is cut off is rejected, and none of it is taken from the next line', () => {
  for (let length = 0; length < good.length; length++) {
    const { rows, rejects } = encodeAll(combined, [chunkOf([good.slice(0, length), good])])
    assert.equal([rows.length, rejects.length], [1, 1], good.slice(0, length))
    assert.is(rejects[0]?.line.toString(), good.slice(0, length))
  }
})

test('accepts dates, addresses and sizes at their limits', () => {
  const at = (date: string) => rowOf(combined, good.replace('17/May/2015:10:05:03 +0000', date)).createdAt
  assert.is(at('01/Jan/1970:00:00:00 +0000'), '1970-01-01T00:00:00.000Z')
  assert.is(at('31/Dec/2099:23:59:59 +0000'), '2099-12-31T23:59:59.000Z')
  assert.is(at('29/Feb/2000:00:00:00 +1559'), '2000-02-28T08:01:00.000Z')
  assert.is(at('31/Dec/2023:23:59:59 -1200'), '2024-01-01T11:59:59.000Z')
  assert.is(rowOf(combined, bad('203023', '9223372036854775807')).bytes, 9223372036854775807n)
  for (const [text, groups] of [
    ['::', '0:0:0:0:0:0:0:0'],
    ['1::', '1:0:0:0:0:0:0:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['ABCD:ef::192.0.2.1', 'abcd:ef:0:0:0:0:c000:201'],
    ['1:2:3:4:5:6:255.255.255.255', '1:2:3:4:5:6:ffff:ffff'],
  ] as const) {
    assert.is(rowOf(combined, bad('83.149.9.216', text)).remoteAddr, groups)
  }
})

test('a date is its own, whatever the line before it said', () => {
  const dates = ['17/May/2015', '17/May/2016', '18/May/2015', '17/Jun/2015', '17/May/2025'].flatMap((day) =>
    ['+0000', '-0000', '+0100', '+0001', '-1200'].map((offset) => `${day}:23:05:03 ${offset}`),
  )
  const alone = dates.map((date) => rowOf(combined, good.replace('17/May/2015:10:05:03 +0000', date)).createdAt)
  for (const [index, date] of dates.entries()) {
    const lines = dates.flatMap((other) => [
      good.replace('17/May/2015:10:05:03 +0000', other),
      good.replace('17/May/2015:10:05:03 +0000', date),
    ])
    const { rows } = encodeAll(combined, [chunkOf(lines)])
    assert.equal(
      rows.map((row) => createdAtIso(row.createdAt)),
      alone.flatMap((other) => [other, alone[index]]),
    )
    const times = new Date(`${date.slice(0, 11).replaceAll('/', ' ')} 23:05:03 GMT${date.slice(-5)}`)
    assert.is(alone[index], times.toISOString())
  }
})

test('a JSON line that is no record is rejected with the reason', () => {
  const line = (change: Record<string, unknown>) =>
    JSON.stringify({
      time_iso8601: '2015-05-17T10:05:03+00:00',
      remote_addr: '1.2.3.4',
      request: 'GET / HTTP/1.1',
      status: '200',
      body_bytes_sent: '1',
      ...change,
    })
  const base = line({})
  const cases: [RejectReason | undefined, string[]][] = [
    [
      undefined,
      [
        base,
        line({ time_iso8601: '2015-05-17T10:05:03Z' }),
        line({ time_iso8601: '2015-05-17T10:05:03+0000' }),
        line({ body_bytes_sent: '-' }),
      ],
    ],
    ['NUL byte', [base.replace('GET', '\\u0000')]],
    [
      'invalid UTF-8',
      ['\\ud800', '\\udc00', '\\ud800\\u0041', '\\ud800x', '\\udc00\\udc00', '\\ud800\\ue000'].map((lone) => base.replace('GET', lone)),
    ],
    ['bad address', [line({ remote_addr: '1.2.3' }), line({ remote_addr: '' })]],
    [
      'bad date',
      ['2015-05-17', '2015-05-17 10:05:03Z', '2015-05-17T10:05:03', '2015-02-29T10:05:03Z'].map((time) => line({ time_iso8601: time })),
    ],
    ['bad status', [line({ status: 99 }), line({ status: 200.5 }), line({ status: '' })]],
    ['bad size', [line({ body_bytes_sent: -1 }), line({ body_bytes_sent: '' })]],
    [
      'truncated or malformed line',
      [
        '{}',
        '{',
        '[]',
        'x',
        `${base}x`,
        `${base}${base}`,
        base.slice(0, -1),
        base.replace(',', ',,'),
        base.replace(':', ' '),
        base.replace('GET', '\\x'),
      ]
        .concat([
          base.replace('GET', '\\u12'),
          base.replace('GET', 'G\tT'),
          line({ x: 1 }).replace(':1}', ':01}'),
          line({ x: 1 }).replace(':1}', ':}'),
        ])
        .concat([line({ x: 1 }).replace(':1}', ':[1}'), line({ status: null }), line({ status: [200] }), line({ request: undefined })]),
    ],
  ]
  for (const [reason, lines] of cases) for (const bytes of lines) assert.is(reasonOf(json, bytes), reason, bytes)
})

test('a number in JSON ends where it ends, whatever lay behind it before', () => {
  const line = (size: string) =>
    `{"time_iso8601":"2015-05-17T10:05:03Z","remote_addr":"::","request":"","status":200,"body_bytes_sent":"${size}"}`
  assert.is(rowOf(json, line('\\u0031\\u0032\\u0033\\u0034')).bytes, 1234n)
  assert.is(rowOf(json, line('\\u0039')).bytes, 9n)
})

test('routes as Postgres does', () => {
  // Remainders modulo 32749 for which satisfies_hash_partition of a PostgreSQL 15 answers true.
  const remainders: [PartitionKey, [string | number, number][]][] = [
    [
      'id',
      [
        [0, 26497],
        [1, 14254],
        [7, 14741],
        [4294967296, 14254],
        [9007199254740991, 10743],
      ],
    ],
    [
      'address',
      [
        ['0.0.0.0', 11168],
        ['83.149.9.216', 9362],
        ['255.255.255.255', 1283],
        ['::', 15827],
        ['2001:db8::8a2e:370:7334', 1291],
        ['::ffff:192.0.2.128', 21484],
      ],
    ],
    [
      'user',
      [
        ['-', 29562],
        ['a', 23056],
        ['abc', 25686],
        ['abcd', 19000],
        ['grüße', 21700],
      ],
    ],
    [
      'path',
      [
        ['-', 25870],
        ['/index', 422],
        ['/index.h', 24811],
        ['/index.ht', 26225],
        ['/index.html', 10136],
        ['/index.html?', 10955],
        ['/index.html?a', 27343],
        ['/presentations/logstash-monitorama-2013/images/kibana-search.png', 10503],
      ],
    ],
  ]
  for (const [partitionKey, values] of remainders) {
    const encoder = encoderFor({ partitionKey, partitions: 32_749, arenas: 1 })
    for (const [value, remainder] of values) {
      const text = String(value)
      const line = Buffer.from(
        partitionKey === 'address'
          ? bad('83.149.9.216', text)
          : partitionKey === 'user'
            ? bad('- - [', `- ${text} [`)
            : partitionKey === 'path'
              ? bad('GET /a?b=c HTTP/1.1', `GET ${text} HTTP/1.1`)
              : good,
      )
      const [row] = encodeAll(encoder, [chunkOf([line], typeof value === 'number' ? value : 0)]).rows
      assert.is(row?.remainder, remainder, `${partitionKey} ${text}`)
    }
  }
})

test('stops before a month that it does not know, and goes on without copying again', () => {
  const encoder = encoderFor()
  const chunk = chunkOf([good, good, bad('May', 'Jun'), good])
  assert.equal(encoder.encode(0, chunk), { lines: 0, full: false, unknownMonth: '2015-05' })
  encoder.addMonth('2015-05')
  assert.equal(encoder.encode(0, chunk), { lines: 2, full: false, unknownMonth: '2015-06' })
  encoder.addMonth('2015-06')
  assert.equal(encoder.encode(0, chunk, 2), { lines: 2, full: false })
  assert.is(encoder.copiedBytes, chunk.lines.length)
  assert.equal(encoder.months(), ['2015-05', '2015-06'])
  assert.equal(encoder.runs(0), [{ source: 1, first: 0, count: 4, reason: undefined }])
  assert.equal(new Set(encoder.leaves(0).map((leaf) => leaf.month)), new Set(['2015-05', '2015-06']))
})

test('runs end where the source, the position or the fate changes', () => {
  const encoder = encoderFor()
  encoder.addMonth('2015-05')
  for (const [source, first] of [
    [1, 10],
    [1, 12],
    [1, 20],
    [2, 22],
  ] as const) {
    encoder.encode(0, chunkOf([good, good], first, source))
  }
  encoder.encode(0, chunkOf(['', 'x', good], 24, 2))
  assert.equal(encoder.runs(0), [
    { source: 1, first: 10, count: 4, reason: undefined },
    { source: 1, first: 20, count: 2, reason: undefined },
    { source: 2, first: 22, count: 2, reason: undefined },
    { source: 2, first: 24, count: 1, reason: 'empty line' },
    { source: 2, first: 25, count: 1, reason: 'truncated or malformed line' },
    { source: 2, first: 26, count: 1, reason: undefined },
  ])
})

test('a line can be encoded again after its arena was begun anew', () => {
  const encoder = encoderFor()
  encoder.addMonth('2015-05')
  const chunk = chunkOf(Array.from({ length: 20 }, (_, index) => bad('203023', String(index))))
  for (const from of [0, 7, 3]) {
    encoder.begin(0)
    assert.is(encoder.encode(0, chunk, from).lines, 20 - from)
    assert.equal(encoder.runs(0), [{ source: 1, first: from, count: 20 - from, reason: undefined }])
  }
})

test('arenas do not touch each other', () => {
  const encoder = encoderFor()
  encoder.addMonth('2015-05')
  const chunk = chunkOf(Array.from({ length: 1000 }, () => good))
  encoder.encode(0, chunk)
  const before = encoder.leaves(0).map(({ segments, ...leaf }) => ({ ...leaf, segments: segments.map((segment) => Buffer.from(segment)) }))
  encoder.encode(1, chunkOf(Array.from({ length: 1000 }, () => bad('200', '404'))))
  encoder.begin(1)
  assert.equal(
    encoder.leaves(0).map(({ segments, ...leaf }) => ({ ...leaf, segments: segments.map((segment) => Buffer.from(segment)) })),
    before,
  )
  assert.is(encoder.leaves(1).length, 0)
})

test('a small arena stops and goes on, and nothing is missing', () => {
  const encoder = encoderFor({ arenaBytes: minArenaBytes, segmentBytes: 4096 })
  const lines = Array.from({ length: 12_000 }, (_, index) => (index % 7 === 0 ? 'bad' : bad('203023', String(index))))
  lines[5000] = 'x'.repeat(3_000_000)
  lines[5001] = bad('/a?b=c', `/${'a'.repeat(maxLineBytes - good.length - 10)}`)
  const { rows, rejects, runs, stops } = encodeAll(encoder, [chunkOf(lines)])
  assert.ok(stops >= 2)
  assert.is(rows.length + rejects.length, lines.length)
  assert.equal(
    rows.filter((row) => row.bytes !== 203023n).map((row) => Number(row.bytes)),
    rows.filter((row) => row.bytes !== 203023n).map((row) => row.position),
  )
  const long = rejects.find((reject) => reject.position === 5000)
  assert.equal([long?.reason, long?.length, long?.line.length], ['line too long', 3_000_000, keptLineBytes])
  assert.is(rows.find((row) => row.position === 5001)?.path.length, maxLineBytes - good.length - 9)
  let next = 0
  for (const run of runs) {
    assert.is(run.first, next)
    next += run.count
  }
  assert.is(next, lines.length)
})

test('a full list of runs stops the encoder early', () => {
  const encoder = encoderFor({ arenaBytes: 40_000_000 })
  const { rows, rejects, stops } = encodeAll(encoder, [
    chunkOf(Array.from({ length: 70_000 }, (_, index) => (index % 2 === 0 ? 'bad' : good))),
  ])
  assert.equal([rows.length, rejects.length, stops], [35_000, 35_000, 2])
})

test('unrouted rows go to one leaf, in order, whatever their months', () => {
  const encoder = encoderFor({ routed: false })
  assert.is(encoder.encode(0, chunkOf([good, bad('May', 'Jun'), good])).lines, 3)
  const [leaf, ...others] = encoder.leaves(0)
  assert.equal([leaf?.month, leaf?.remainder, leaf?.rows, others.length], ['', 0, 3, 0])
})

test('a chunk that does not hold what it says is refused', () => {
  const encoder = encoderFor()
  encoder.addMonth('2015-05')
  const chunk = chunkOf([good, good])
  assert.throws(() => encoder.encode(0, { ...chunk, count: 3 }), /says it has 3 lines, but has 2/)
  assert.throws(() => encoder.encode(0, { ...chunk, count: 1 }), /says it has 1 lines, but \d+ bytes follow/)
  assert.throws(() => encoder.encode(0, { ...chunk, lines: chunk.lines.subarray(0, 50) }), /does not end with a newline/)
  assert.throws(() => encoder.addMonth('2015-13'), /not a month/)
  assert.throws(() => encoder.begin(2), /no arena 2/)
})

const log = join(process.env['WEIR_REAL_LOGS'] ?? '', 'apache-combined-10k.log')
if (process.env['WEIR_REAL_LOGS'] && existsSync(log)) {
  test('of a real log every line but the truncated one is a row, as a regular expression reads it', () => {
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
    const { rows, rejects } = encodeAll(combined, [chunkOf(lines.map((line) => Buffer.from(line)))])
    assert.equal([rows.length, rejects.length], [9_999, 1])
    assert.is(rejects[0]?.line.toString(), lines[rejects[0]?.position ?? -1])
    const pattern =
      /^(\S+) - (.+?) \[(\d+)\/(\w+)\/(\d+):(\S+) \+0000\] "((?:[^"\\]|\\.)*)" (\d+) (\S+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$/
    for (const row of rows) {
      const [, address, user, day, month, year, time, request, status, size, referrer, agent] =
        pattern.exec(lines[row.position] ?? '') ?? []
      assert.equal(
        [
          row.remoteAddr,
          row.remoteUser || '-',
          createdAtIso(row.createdAt),
          [row.method, row.path, row.protocol].filter(Boolean).join(' '),
        ],
        [address, user, new Date(`${day} ${month} ${year} ${time} UTC`).toISOString(), request],
      )
      assert.equal(
        [String(row.status), String(row.bytes ?? '-'), row.referrer ?? '-', row.userAgent ?? '-'],
        [status, size, referrer, agent],
      )
    }
  })
} else {
  test.skip('of a real log every line but the truncated one is a row (needs WEIR_REAL_LOGS)', () => {})
}

test.run()
