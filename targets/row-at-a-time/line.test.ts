/** Row at a time reads lines as the kernel does: the same fields, the same reasons, of any bytes. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Encoder } from '../../generators/encoder.js'
import { chunkOf, encodeAll } from '../../generators/encoder.testing.js'
import { openSource } from '../../generators/open.js'
import { type Format, formats } from '../../generators/record.js'
import { createdAtIso } from '../../generators/tuples.js'
import { readLine } from './line.js'

const encoders = Object.fromEntries(
  formats.map((format) => [format, new Encoder({ format, partitionKey: 'id', partitions: 1, arenaBytes: 8_000_000, arenas: 1 })]),
) as Record<Format, Encoder>

/** Enough for every change; a soak sets more. */
const runs = Number(process.env['WEIR_FUZZ_RUNS'] ?? 400)

/** A line's fields in words that both readers share: the address with all its groups, the time in UTC, NULL user as ''. */
type Said = Readonly<Record<string, unknown>>

function saidByKernel(lines: readonly Uint8Array[], format: Format): Said[] {
  const { rows, rejects } = encodeAll(encoders[format], [chunkOf(lines)])
  const said: Said[] = []
  for (const { source: _, position, month: __, remainder: ___, createdAt, ...row } of rows)
    said[position] = { ...row, createdAt: createdAtIso(createdAt) }
  for (const { position, reason } of rejects) said[position] = { reason }
  return said
}

function saidByLine(line: Uint8Array, format: Format): Said {
  const reading = readLine(line, format)
  if ('reason' in reading) return reading
  const { createdAt, remoteAddr, remoteUser, bytes, ...row } = reading.row
  return {
    ...row,
    createdAt: new Date(createdAt).toISOString(),
    remoteAddr: expanded(remoteAddr),
    remoteUser: remoteUser ?? '',
    bytes: bytes === null ? null : BigInt(bytes),
  }
}

/** The address with all groups written out, by the platform's own parser of URLs. */
function expanded(address: string): string {
  if (!address.includes(':')) return address
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const first = left === '' ? [] : left.split(':')
  const last = right === undefined || right === '' ? [] : right.split(':')
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last].join(':')
}

function assertAlike(lines: readonly Uint8Array[], format: Format): void {
  const kernel = saidByKernel(lines, format)
  lines.forEach((line, i) => {
    assert.equal(saidByLine(line, format), kernel[i], `${format}: ${JSON.stringify(Buffer.from(line).toString('latin1').slice(0, 400))}`)
  })
}

/** Good lines of every kind that the generator makes, and some that it does not. */
async function goodLines(format: Format): Promise<Buffer[]> {
  const cursor = await openSource({
    kind: 'stream',
    source: 1,
    profile: 'web',
    seed: '9',
    format,
    startMs: Date.UTC(2026, 1, 28),
    recordsPerDay: 1_000_000,
  }).open(0)
  const made = await cursor.next(2000)
  await cursor.close()
  const lines = Buffer.from(made?.lines ?? [])
    .toString('latin1')
    .trimEnd()
    .split('\n')
  const odd = lines.slice(0, 300).flatMap((line, i) => {
    const address =
      ['::ffff:1.2.3.4', 'fe80::1', '1:2:3:4:5:6:7::', '::', '01.2.3.4', 'fe80::1%eth0', '1::2::3', '::1.2.3', '1:2:3:4:5:6:1.2.3.4'][
        i % 9
      ] ?? ''
    const size =
      ['-', '0', '9223372036854775807', '9223372036854775808', '00000000000000000001', '1e3', '-5', '0000000000000000001', ''][i % 9] ?? ''
    const status = ['099', '999', '2e2', '20', '2000', '200.0', '-20', 'abc', ''][i % 9] ?? ''
    const user = ['a b', '-', 'x [y]', '[', 'a [01/Feb/2026:00:00:00 +0000] b', 'caf\xc3\xa9', '--', ' ', ''][i % 9] ?? ''
    const offset = ['+1559', '-1559', '+1600', '+0060', '+00:0', '-0530', '+9900', '*0000', ' 0000'][i % 9] ?? ''
    const request =
      [
        'GET',
        'GET ',
        ' GET /',
        'GET  HTTP/1.1',
        'GET / HTTP/',
        'GET / HTTP',
        'GET a b c HTTP/1.1',
        'GET /\\"x\\\\ HTTP/1.1',
        '\xc2\xa0 / HTTP/1.1',
      ][i % 9] ?? ''
    if (format === 'json') {
      const iso = `2026-02-28T01:02:03${offset.slice(0, 3)}${i % 2 === 0 ? ':' : ''}${offset.slice(3)}`
      return [
        line.replace(/("remote_addr":")[^"]*/, `$1${address}`),
        line.replace(/("body_bytes_sent":)"?[^",]*"?/, `$1${i % 2 === 0 && size !== '' ? size : `"${size}"`}`),
        line.replace(/("status":)"?[^",]*"?/, `$1${i % 2 === 0 && status !== '' ? status : `"${status}"`}`),
        line.replace(/("remote_user":")[^"]*/, `$1${user}`),
        line.replace(/("time_iso8601":")[^"]*/, `$1${iso}`),
        line.replace(/("time_iso8601":")[^"]*/, '$12026-02-28T01:02:03Z'),
        line.replace(/("request":")[^"]*/, `$1${request}`),
        line.replace(
          /"status"/,
          `"more":${['[1,{"a":[]}]', '[1 2,,:]', 'true', 'nul', '"\\u00e9\\ud83d\\ude00\\n"', '"\\ud83d"', '"\\u0000', '{]', '1.'][i % 9]},"status"`,
        ),
        line.replace(
          /("http_user_agent":)"[^"]*"/,
          `$1${['null', '1.0', 'true', '{}', '"\\u00e9\\ud83d\\ude00"', '""', '"-"', '-', '"a\tb"'][i % 9]}`,
        ),
        line.replace(
          /}$/,
          `,${['"status":200', '"status":null', '"request":null', '"request":17', '', '"":1', ' "remote_user" : "z" ', '"http_referer":0', '"status" "x"'][i % 9]}}`,
        ),
      ]
    }
    return [
      line.replace(/^\S+/, address),
      line.replace(/(" \d{3} )\S+/, `$1${size}`),
      line.replace(/" \d{3} /, `" ${status} `),
      line.replace(/^(\S+ \S+) .*? \[/, (_, before: string) => `${before} ${user} [`),
      line.replace(/ [+-]\d{4}\]/, ` ${offset}]`),
      line.replace(/\] "[^"]*"/, `] "${request.replaceAll('$', '')}"`),
      line.replace(/^(\S+) \S+/, `$1 ${['ident', '', '-', '- -', 'x y', '[', '--', '- ', ' '][i % 9]}`),
      line.replace(
        /\[\d\d\/.../,
        ['[31/Feb', '[29/Feb', '[00/Mar', '[1/Mar', '[01/mar', '[28\\Feb', '[28/Fe\xc3\xa9', '[30/Apr', '[31/Dec'][i % 9] ?? '',
      ),
      line.replace(
        /\/2026:\d\d:\d\d:\d\d/,
        [
          '/1970:00:00:00',
          '/2099:23:59:59',
          '/2100:00:00:00',
          '/1969:00:00:00',
          '/2026:24:00:00',
          '/2026:00:60:00',
          '/2026:00:00:60',
          '/2000:00:00:00',
          '/2024:00-00:00',
        ][i % 9] ?? '',
      ),
      `${line}${[' ', '"', '\r', '\r\r', ' x', '\t', '\\', '""', ' "-"'][i % 9]}`,
    ]
  })
  return [...lines, ...odd].map((line) => Buffer.from(line, 'latin1'))
}

for (const format of formats) {
  const good = await goodLines(format)

  test(`${format}: good lines, and lines with one odd field, are read alike`, () => assertAlike(good, format))

  test(`${format}: damaged lines are read alike`, () => {
    const edit = fc.record({
      at: fc.nat(),
      byte: fc.oneof(fc.constantFrom(...Buffer.from(' "[]\\/-:\0\r0Zu{},.+%\xff\xc3', 'latin1')), fc.nat(255)),
      kind: fc.nat(3),
    })
    const damaged = fc.tuple(fc.constantFrom(...good), fc.array(edit, { maxLength: 4 })).map(([line, edits]) => {
      let bytes = [...line]
      for (const { at, byte, kind } of edits) {
        const index = at % (bytes.length + 1)
        if (kind === 0) bytes[index] = byte
        else if (kind === 1) bytes.splice(index, 1)
        else if (kind === 2) bytes.splice(index, 0, byte)
        else bytes = bytes.slice(0, index)
      }
      return Uint8Array.from(bytes.map((byte) => (byte === 10 ? 32 : byte)))
    })
    fc.assert(
      fc.property(fc.array(damaged, { minLength: 1, maxLength: 8 }), (lines) => assertAlike(lines, format)),
      { numRuns: runs },
    )
  })

  test(`${format}: any bytes are read alike`, () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((line) => line.map((byte) => (byte === 10 ? 32 : byte)))
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 20 }), (lines) => assertAlike(lines, format)),
      { numRuns: runs },
    )
  })
}

test('lines at the limit of length are read alike', () => {
  const line = (length: number) => {
    const start = '1.2.3.4 - - [28/Feb/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "'
    return Buffer.from(`${start}${'\\"'.repeat(length).slice(0, length - start.length - 2)}x"`)
  }
  assertAlike([line(65_535), line(65_536), line(65_537), Buffer.concat([line(65_536), Buffer.from('\r')])], 'combined')
})

const logs = process.env['WEIR_REAL_LOGS']
const real = logs === undefined ? undefined : join(logs, 'apache-combined-10k.log')
if (real === undefined || !existsSync(real)) test.skip('a real log is read alike (needs WEIR_REAL_LOGS)', () => undefined)
else {
  test('a real log is read alike: 9,999 records and one truncated line', () => {
    const lines = readFileSync(real, 'latin1')
      .trimEnd()
      .split('\n')
      .map((line) => Buffer.from(line, 'latin1'))
    assertAlike(lines, 'combined')
    const readings = lines.map((line) => readLine(line, 'combined'))
    assert.is(readings.filter((reading) => 'row' in reading).length, 9999)
    assert.equal(
      readings.filter((reading) => 'reason' in reading),
      [{ reason: 'truncated or malformed line' }],
    )
  })
}

test.run()
