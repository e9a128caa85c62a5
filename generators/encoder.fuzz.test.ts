/** The encoder against arbitrary input: what is written is read back, and nothing makes it fail, hang or look beside its lines. */
import { isIPv6 } from 'node:net'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Encoder } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import { damaged, logged, render, runs } from './logged-lines.testing.js'
import type { Chunk, Format } from './record.js'
import { formats } from './record.js'
import { createdAtIso } from './tuples.js'

const encoders = Object.fromEntries(
  formats.map((format) => [format, new Encoder({ format, partitionKey: 'path', partitions: 3, arenaBytes: 4_000_000, arenas: 1 })]),
) as Record<Format, Encoder>

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
