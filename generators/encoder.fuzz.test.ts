/** The encoder against arbitrary input: what is written is read back, and nothing makes it fail, hang or look beside its lines. */
import { isIPv6 } from 'node:net'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Encoder } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import type { Chunk, Format } from './record.js'
import { formats } from './record.js'
import { createdAtIso } from './tuples.js'

const encoders = Object.fromEntries(
  formats.map((format) => [format, new Encoder({ format, partitionKey: 'path', partitions: 3, arenaBytes: 4_000_000, arenas: 1 })]),
) as Record<Format, Encoder>

/** Enough for every change; a soak sets more. */
const runs = { numRuns: Number(process.env['WEIR_FUZZ_RUNS'] ?? 600) }

/** Fields as a server would log them, before they are put into a line. */
interface Logged {
  readonly address: string
  readonly user: string
  /** UTC, seconds since the epoch, and the offset in minutes that the line shows. */
  readonly seconds: number
  readonly offset: number
  readonly request: string
  readonly status: number
  readonly size: bigint | null
  readonly referrer: string
  readonly agent: string
}

const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((value) => value.replaceAll(/[\0\n\r]/g, ' '))
/** Text as it stands between the quotes of a log: quotes and backslashes come with a backslash. */
const quoted = text.map((value) => value.replaceAll(/["\\]/g, '\\$&'))
const request = fc.oneof(
  quoted,
  fc
    .tuple(fc.constantFrom('GET', 'POST', 'x'), quoted, fc.constantFrom('', ' HTTP/1.1', ' HTTP/', ' HTTP'))
    .map((parts) => `${parts[0]} ${parts[1]}${parts[2]}`),
)

const logged: fc.Arbitrary<Logged> = fc.record({
  address: fc.oneof(fc.ipV4(), fc.ipV6()),
  user: text.filter((user) => !user.includes('[')),
  seconds: fc.integer({ min: 86_400, max: 4_102_358_400 }),
  offset: fc.integer({ min: -959, max: 959 }),
  request,
  status: fc.integer({ min: 100, max: 999 }),
  size: fc.option(fc.bigInt({ min: 0n, max: 9_223_372_036_854_775_807n })),
  referrer: quoted,
  agent: quoted,
})

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** A second writer of the formats, independent of the kernel. */
function render({ address, user, seconds, offset, request, status, size, referrer, agent }: Logged, format: Format): string {
  const sign = offset < 0 ? '-' : '+'
  const zone = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map(two)
  const local = new Date((seconds + offset * 60) * 1000).toISOString()
  if (format === 'json') {
    return JSON.stringify({
      time_iso8601: `${local.slice(0, 19)}${sign}${zone.join(':')}`,
      remote_addr: address,
      remote_user: user,
      request,
      status: String(status),
      body_bytes_sent: size === null ? '-' : String(size),
      http_referer: referrer,
      http_user_agent: agent,
    })
  }
  const month = new Date(local).toLocaleString('en-US', { month: 'short', timeZone: 'UTC' })
  const date = `${local.slice(8, 10)}/${month}/${local.slice(0, 4)}:${local.slice(11, 19)} ${sign}${zone.join('')}`
  const line = `${address} - ${user} [${date}] "${request}" ${status} ${size ?? '-'}`
  return format === 'common' ? line : `${line} "${referrer}" "${agent}"`
}

/** The address with all groups written out, by the platform's own parser of URLs. */
function expanded(address: string): string {
  if (!isIPv6(address)) return address
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail].join(':')
}

for (const format of formats) {
  test(`what is written as ${format} is read back, field by field`, () => {
    fc.assert(
      fc.property(logged, fc.nat(), (fields, position) => {
        const line = render(fields, format)
        const { rows, runs } = encodeAll(encoders[format], [chunkOf([Buffer.from(line)], position, 7)])
        const [row] = rows
        if (!row) throw new Error(`rejected as ${runs[0]?.reason}: ${line}`)
        const [, method = '', path = fields.request, protocol = ''] = /^([^ ]+) (.+?)(?: (HTTP\/[^ ]*))?$/s.exec(fields.request) ?? []
        const optional = (value: string) => (format === 'common' || value === '-' || (format === 'json' && value === '') ? null : value)
        const { month, remainder, ...columns } = row
        assert.equal(
          { ...columns, createdAt: createdAtIso(row.createdAt) },
          {
            source: 7,
            position,
            createdAt: new Date(fields.seconds * 1000).toISOString(),
            remoteAddr: expanded(fields.address),
            remoteUser: fields.user === '-' ? '' : fields.user,
            method,
            path,
            protocol,
            status: fields.status,
            bytes: fields.size,
            referrer: optional(fields.referrer),
            userAgent: optional(fields.agent),
          },
        )
        assert.is(month, new Date(fields.seconds * 1000).toISOString().slice(0, 7))
        assert.ok(remainder >= 0 && remainder < 3)
      }),
      runs,
    )
  })
}

/** Lines of any bytes, and good ones with a few bytes changed, cut or doubled. */
function damaged(format: Format): fc.Arbitrary<Uint8Array> {
  const noNewline = (bytes: Uint8Array) => bytes.map((byte) => (byte === 10 ? 0x22 : byte))
  const edit = fc.record({
    at: fc.nat(),
    byte: fc.oneof(fc.constantFrom(...Buffer.from(' "[]\\\0:-/0Z{}u,\xff')), fc.nat(255)),
    kind: fc.nat(2),
  })
  const mutated = fc.tuple(logged, fc.array(edit, { maxLength: 4 })).map(([fields, edits]) => {
    let line = [...Buffer.from(render(fields, format))]
    for (const { at, byte, kind } of edits) {
      const index = at % (line.length + 1)
      if (kind === 0) line[index] = byte
      else if (kind === 1) line.splice(index, 1)
      else line = line.slice(0, index).concat(at % 2 === 0 ? [] : line.slice(index), line.slice(Math.max(0, index - 9), index))
    }
    return Uint8Array.from(line)
  })
  return fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated).map(noNewline)
}

/** Fills the kernel's room for lines, and what it may load around it, with one byte. */
function surroundWith(encoder: Encoder, byte: number, chunk: Chunk): void {
  const input = encoder['feed'].input
  encoder.kernel.bytes().fill(byte, input - 64, input + chunk.lines.length + 4_096)
}

function outcome(encoder: Encoder, chunks: readonly Chunk[]) {
  const { rows, rejects, runs } = encodeAll(encoder, chunks)
  return { rows, rejects, runs }
}

for (const format of formats) {
  test(`any ${format} line is a row or a reject, whatever lies around it`, () => {
    const encoder = encoders[format]
    fc.assert(
      fc.property(fc.array(damaged(format), { minLength: 1, maxLength: 5 }), (lines) => {
        const chunk = chunkOf(lines)
        const [first, ...others] = [0x00, 0x0a, 0x20, 0x22, 0x31, 0x5c, 0x5d, 0xff].map((byte) => {
          surroundWith(encoder, byte, chunk)
          return outcome(encoder, [chunk])
        })
        for (const other of others) assert.equal(other, first)
        let next = 0
        for (const run of first?.runs ?? []) {
          assert.is(run.first, next)
          next += run.count
        }
        assert.is(next, lines.length)
        assert.equal(
          [...(first?.rows ?? []), ...(first?.rejects ?? [])].map(({ position }) => position).sort((a, b) => a - b),
          lines.map((_, index) => index),
        )
        for (const { position, line } of first?.rejects ?? []) assert.equal([...line], [...(lines[position] ?? [])])
      }),
      { numRuns: Math.ceil(runs.numRuns / 4) },
    )
  })
}

test('a JSON line is taken only if it is JSON', () => {
  fc.assert(
    fc.property(damaged('json'), (bytes) => {
      const { rows } = encodeAll(encoders.json, [chunkOf([bytes])])
      if (rows.length === 1) assert.type(JSON.parse(Buffer.from(bytes).toString()), 'object')
    }),
    runs,
  )
})

test('UTF-8 is judged as the platform does', () => {
  const prefix = Buffer.from('1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "')
  const bytes = fc.array(
    fc.constantFrom(0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5),
    {
      maxLength: 24,
    },
  )
  fc.assert(
    fc.property(bytes, (agent) => {
      const line = Buffer.concat([prefix, Buffer.from(agent), Buffer.from('"')])
      let valid = true
      try {
        new TextDecoder('utf-8', { fatal: true }).decode(line)
      } catch {
        valid = false
      }
      assert.is(encodeAll(encoders.combined, [chunkOf([line])]).rejects[0]?.reason, valid ? undefined : 'invalid UTF-8')
    }),
    runs,
  )
})

test('however lines are cut into chunks, the same comes out', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(damaged('combined'), fc.boolean()), { minLength: 1, maxLength: 20 }), (cuts) => {
      const lines = cuts.map(([line]) => line)
      const chunks: Chunk[] = []
      let from = 0
      cuts.forEach(([, cut], index) => {
        if (!cut && index + 1 < cuts.length) return
        chunks.push(chunkOf(lines.slice(from, index + 1), from))
        from = index + 1
      })
      assert.equal(outcome(encoders.combined, chunks), outcome(encoders.combined, [chunkOf(lines)]))
    }),
    { numRuns: Math.ceil(runs.numRuns / 10) },
  )
})

test.run()
