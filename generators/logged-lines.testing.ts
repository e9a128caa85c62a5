/** Arbitrary lines for the fuzz tests of the encoders: written from their fields as a server would, and damaged. */
import * as fc from 'fast-check'
import type { Format } from './record.js'

/** Enough for every change; a soak sets more. */
export const runs = { numRuns: Number(process.env['WEIR_FUZZ_RUNS'] ?? 600) }

/** Fields as a server would log them, before they are put into a line. */
export interface Logged {
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

export const logged: fc.Arbitrary<Logged> = fc.record({
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
export function render({ address, user, seconds, offset, request, status, size, referrer, agent }: Logged, format: Format): string {
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

/** Lines of any bytes, and good ones with a few bytes changed, cut or doubled. */
export function damaged(format: Format): fc.Arbitrary<Uint8Array> {
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
