/** How many lines a second one core renders, encodes and digests. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Digester } from '../../generators/digester.js'
import { Encoder, messageHeaderBytes } from '../../generators/encoder.js'
import { encodeAll } from '../../generators/encoder.testing.js'
import { NativeEncoder } from '../../generators/native-encoder.js'
import { profileNamed } from '../../generators/profiles.js'
import type { Chunk, Format, PartitionKey } from '../../generators/record.js'
import { formats } from '../../generators/record.js'
import { Renderer } from '../../generators/renderer.js'
import { rowBinary } from '../../generators/row-binary.testing.js'

const rounds = 7
const linesPerRound = 500_000

/** Lines of the length and shape that sites log, for a machine without a log at hand. */
function sampleLines(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const time = new Date(Date.UTC(2015, 4, 17) + index * 1000).toISOString().slice(11, 19)
    const path = `/presentations/${index % 977}/images/figure-${index % 13}.png`
    const agent = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36'
    return `83.${index % 256}.9.216 - - [17/May/2015:${time} +0000] "GET ${path} HTTP/1.1" 200 ${index * 37} "http://example.org/${index % 101}" "${agent}"`
  })
}

/** The same records as nginx writes them in JSON; lines that the expression does not fit are left out. */
function asJson(lines: readonly string[]): string[] {
  const pattern = /^(\S+) - (.+?) \[.+?:(\S+) \+0000\] "((?:[^"\\]|\\.)*)" (\d+) (\S+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$/
  return lines.flatMap((line) => {
    const [whole, remote_addr, remote_user, time, request, status, body_bytes_sent, http_referer, http_user_agent] =
      pattern.exec(line) ?? []
    const time_iso8601 = `2015-05-17T${time}+00:00`
    const record = { time_iso8601, remote_addr, remote_user, request, status, body_bytes_sent, http_referer, http_user_agent }
    return whole === undefined ? [] : [JSON.stringify(record)]
  })
}

function chunkOf(lines: readonly string[]): Chunk {
  return { source: 1, first: 0, count: lines.length, lines: new Uint8Array(Buffer.from(`${lines.join('\n')}\n`)) }
}

/** The median and the range of a rate over several rounds, as a line. */
function report(name: string, records: number, bytes: number, round: () => void): string {
  round()
  const rates = Array.from({ length: rounds }, () => {
    const start = process.hrtime.bigint()
    round()
    return records / Number(process.hrtime.bigint() - start)
  }).sort((a, b) => a - b)
  const [lowest = 0] = rates
  const median = rates[rounds >> 1] ?? 0
  const range = [lowest, rates.at(-1) ?? 0].map((rate) => (rate * 1e3).toFixed(1)).join('-')
  return `${name.padEnd(34)} ${(median * 1e3).toFixed(1).padStart(5)}M/s (${range}), ${((median * bytes) / records).toFixed(2)} GB/s`
}

/** An encoder that knows the chunk's months. */
function encoderFor(format: Format, partitionKey: PartitionKey, chunk: Chunk): Encoder {
  const encoder = new Encoder({ format, partitionKey, partitions: 4, arenaBytes: 16_000_000, arenas: 1 })
  for (let month: string | undefined; ; encoder.addMonth(month)) {
    encoder.begin(0)
    const result = encoder.encode(0, chunk)
    month = result.unknownMonth
    if (result.full) throw new Error('the sample does not fit into an arena')
    if (month === undefined) return encoder
  }
}

/** Blocks for ClickHouse beside tuples for Postgres, the same lines in turns: both rates, and the ratio, whose spread is its own. */
function nativeRatio(format: Format, chunk: Chunk): string {
  const repeats = Math.ceil(linesPerRound / chunk.count)
  const tuples = encoderFor(format, 'id', chunk)
  const blocks = new NativeEncoder({ format, arenaBytes: 16_000_000, arenas: 1 })
  const rate = (encoder: Encoder | NativeEncoder) => {
    const start = process.hrtime.bigint()
    for (let repeat = 0; repeat < repeats; repeat++) {
      encoder.begin(0)
      if (encoder.encode(0, chunk).full) throw new Error('the sample does not fit into an arena')
      if (encoder instanceof NativeEncoder) encoder.blocks(0)
      else encoder.leaves(0)
    }
    return ((repeats * chunk.count) / Number(process.hrtime.bigint() - start)) * 1e3
  }
  rate(tuples)
  rate(blocks)
  const pairs = Array.from({ length: rounds }, () => [rate(tuples), rate(blocks)] as const)
  const sorted = (values: number[]) => values.sort((a, b) => a - b)
  const made = sorted(pairs.map(([, rate]) => rate))
  const ratios = sorted(pairs.map(([tuples, blocks]) => blocks / tuples))
  const [lowest = 0, highest = 0] = [ratios[0], ratios.at(-1)]
  const median = (values: number[]) => values[rounds >> 1] ?? 0
  return `${`encode ${format} to Native blocks`.padEnd(34)} ${median(made).toFixed(1).padStart(5)}M/s, ${median(ratios).toFixed(2)} (${lowest.toFixed(2)}-${highest.toFixed(2)}) of tuples`
}

/** What one core renders of the profile web. */
function renderRate(format: Format): string {
  const { startMs, recordsPerDay } = profileNamed('web').defaults
  const renderer = new Renderer({ kind: 'stream', source: 1, profile: 'web', seed: '1', format, startMs, recordsPerDay })
  let position = 0
  const round = () => {
    let bytes = 0
    for (let done = 0; done < linesPerRound; ) {
      const rendered = renderer.render(position, linesPerRound - done)
      done += rendered.count
      position += rendered.count
      bytes += rendered.bytes.length
    }
    return bytes
  }
  return report(`render ${format}`, linesPerRound, round(), round)
}

export async function kernelBench(): Promise<string> {
  const folder = process.env['WEIR_REAL_LOGS']
  const lines =
    folder === undefined ? sampleLines(10_000) : readFileSync(join(folder, 'apache-combined-10k.log'), 'utf8').trimEnd().split('\n')
  const said = [`kernel, one core, ${folder === undefined ? 'made-up lines' : 'lines of a real log'}: median and range of ${rounds} rounds`]
  for (const format of formats) said.push(renderRate(format))

  for (const [format, key] of [
    ['combined', 'id'],
    ['combined', 'address'],
    ['combined', 'path'],
    ['json', 'id'],
  ] as const) {
    const chunk = chunkOf(format === 'json' ? asJson(lines) : lines)
    const encoder = encoderFor(format, key, chunk)
    const repeats = Math.ceil(linesPerRound / chunk.count)
    said.push(
      report(`encode ${format}, routed by ${key}`, repeats * chunk.count, repeats * chunk.lines.length, () => {
        for (let repeat = 0; repeat < repeats; repeat++) {
          encoder.begin(0)
          encoder.encode(0, chunk)
        }
      }),
    )
  }

  for (const format of ['combined', 'json'] as const) said.push(nativeRatio(format, chunkOf(format === 'json' ? asJson(lines) : lines)))

  const chunk = chunkOf(lines)
  const encoder = encoderFor('combined', 'id', chunk)
  const leaves = encoder.leaves(0)
  const rows = leaves.reduce((sum, leaf) => sum + leaf.rows, 0)
  const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0)
  const repeats = Math.ceil(linesPerRound / rows)
  const range = { source: 1, first: 0, length: chunk.count }

  const expected = new Digester(range, encoder.kernel)
  said.push(
    report('digest expected rows, in place', repeats * rows, repeats * bytes, () => {
      for (let repeat = 0; repeat < repeats; repeat++) expected.expect(encoder, 0)
    }),
  )

  /** A message for each row, as a server sends them, in pieces as a socket delivers them. */
  const wires = leaves.map(({ segments, month, remainder }) => ({ place: { month, remainder }, pieces: wire(segments) }))
  const found = new Digester(range)
  said.push(
    report('digest found rows, from the wire', repeats * rows, repeats * bytes, () => {
      for (let repeat = 0; repeat < repeats; repeat++)
        for (const { place, pieces } of wires) for (const piece of pieces) found.foundWire(piece, place)
    }),
  )

  const alike = new Encoder({ format: 'combined', partitionKey: 'id', partitions: 1, arenaBytes: 16_000_000, arenas: 1 })
  const { rows: decoded } = encodeAll(alike, [chunk])
  const binary = Buffer.concat(decoded.map(rowBinary))
  const foundBinary = new Digester({ ...range, encoding: 'row-binary' })
  said.push(
    report('digest found rows, RowBinary', repeats * decoded.length, repeats * binary.length, () => {
      for (let repeat = 0; repeat < repeats; repeat++)
        for (let at = 0; at < binary.length; at += 65_536)
          foundBinary.foundWire(binary.subarray(at, at + 65_536), { month: '2015-05', remainder: 0 })
    }),
  )

  return said.join('\n')
}

function wire(segments: readonly Uint8Array[]): Uint8Array[] {
  const messages: Buffer[] = []
  for (const segment of segments) {
    const tuples = Buffer.from(segment.subarray(messageHeaderBytes))
    for (let at = 0; at < tuples.length; ) {
      const start = at
      const fields = tuples.readInt16BE(at)
      at += 2
      for (let field = 0; field < fields; field++) at += 4 + Math.max(0, tuples.readInt32BE(at))
      const header = Buffer.alloc(messageHeaderBytes, 'd')
      header.writeInt32BE(at - start + 4, 1)
      messages.push(header, tuples.subarray(start, at))
    }
  }
  const whole = Buffer.concat(messages)
  return Array.from({ length: Math.ceil(whole.length / 65_536) }, (_, index) => whole.subarray(index * 65_536, (index + 1) * 65_536))
}
