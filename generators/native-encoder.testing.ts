/** What tests of the Native encoder share: encode lines however often it stops, and decode its blocks by ClickHouse's description of the format. */
import type { Run } from './encoder.js'
import type { NativeBlock, NativeEncoder } from './native-encoder.js'
import type { Chunk } from './record.js'
import type { RejectTuple, RowTuple } from './tuples.js'

export interface NativeLines {
  readonly rows: readonly (RowTuple & { readonly month: string })[]
  readonly rejects: readonly RejectTuple[]
  readonly runs: readonly Run[]
  /** How often an arena was full. */
  readonly stops: number
}

type Value = Buffer | number | bigint | null

/** Encodes whole chunks, emptying the arena as asked; rows come in the order of their positions. */
export function encodeAllNative(encoder: NativeEncoder, chunks: readonly Chunk[]): NativeLines {
  const rows: NativeLines['rows'][number][] = []
  const rejects: RejectTuple[] = []
  const runs: Run[] = []
  let stops = 0
  const empty = () => {
    for (const { month, ...block } of encoder.blocks(0)) rows.push(...decodeRowBlock(block).map((row) => ({ ...row, month })))
    rejects.push(...decodeRejectBlock(encoder.rejects(0)))
    runs.push(...encoder.runs(0))
    encoder.begin(0)
  }
  encoder.begin(0)
  for (const chunk of chunks) {
    for (let line = 0; line < chunk.count; ) {
      const { lines, full } = encoder.encode(0, chunk, line)
      line += lines
      if (full) {
        stops++
        empty()
      } else if (line < chunk.count) throw new Error(`the encoder stopped at line ${line} for no reason`)
    }
  }
  empty()
  rows.sort((a, b) => a.source - b.source || a.position - b.position)
  return { rows, rejects, runs, stops }
}

/** A block's bytes in one. Throws when they are not as many as it says. */
export function bytesOf({ segments, bytes }: NativeBlock): Buffer {
  const whole = Buffer.concat(segments)
  if (whole.length !== bytes) throw new Error(`a block says it has ${bytes} bytes, but has ${whole.length}`)
  return whole
}

/** Rows of a block, an IPv4-mapped address as IPv4. */
export function decodeRowBlock(block: NativeBlock): RowTuple[] {
  return decode(block, [
    'source Int32',
    'position Int64',
    'created_at DateTime',
    'remote_addr IPv6',
    'remote_user String',
    'method String',
    'path String',
    'protocol String',
    'status Int16',
    'bytes Nullable(Int64)',
    'referrer Nullable(String)',
    'user_agent Nullable(String)',
  ]).map(([source, position, createdAt, address, user, method, path, protocol, status, bytes, referrer, agent]) => ({
    source: Number(source),
    position: Number(position),
    createdAt: BigInt(Number(createdAt) - 946_684_800) * 1_000_000n,
    remoteAddr: addressText(Buffer.from(address as Buffer)),
    remoteUser: String(user),
    method: String(method),
    path: String(path),
    protocol: String(protocol),
    status: Number(status),
    bytes: bytes as bigint | null,
    referrer: referrer === null ? null : String(referrer),
    userAgent: agent === null ? null : String(agent),
  }))
}

/** Rows of a block of rejects. */
export function decodeRejectBlock(block: NativeBlock): RejectTuple[] {
  return decode(block, ['source Int32', 'position Int64', 'reason String', 'length Int32', 'line String']).map(
    ([source, position, reason, length, line]) => ({
      source: Number(source),
      position: Number(position),
      reason: String(reason),
      length: Number(length),
      line: line as Buffer,
    }),
  )
}

/** Dotted when it is a mapped IPv4 address, otherwise all eight groups. */
export function addressText(bytes: Buffer): string {
  if (bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff') return bytes.subarray(12).join('.')
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':')
}

/** Rows of the one block that the bytes are. Throws when its columns are not these, or anything is left over. */
function decode(block: NativeBlock, expected: readonly string[]): Value[][] {
  if (block.rows === 0) {
    if (block.segments.length > 0) throw new Error('a block without rows has bytes')
    return []
  }
  const reader = new Reader(bytesOf(block))
  const columns = reader.varint()
  const rows = reader.varint()
  if (columns !== expected.length || rows !== block.rows) throw new Error(`a block of ${columns} columns and ${rows} rows`)
  const values = expected.map((column) => {
    const [name, type] = [reader.text().toString(), reader.text().toString()]
    if (`${name} ${type}` !== column) throw new Error(`column ${name} ${type} where ${column} should be`)
    return reader.column(type, rows)
  })
  if (reader.left > 0) throw new Error(`${reader.left} bytes follow a block`)
  return Array.from({ length: rows }, (_, row) => values.map((column) => column[row] ?? null))
}

class Reader {
  private at = 0

  constructor(private readonly bytes: Buffer) {}

  get left(): number {
    return this.bytes.length - this.at
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes.readUInt8(this.at++)
      value += (byte % 128) * factor
      if (byte < 128) return value
    }
  }

  text(): Buffer {
    return this.take(this.varint())
  }

  column(type: string, rows: number): Value[] {
    const nullable = /^Nullable\((.+)\)$/.exec(type)
    if (!nullable) return Array.from({ length: rows }, () => this.value(type))
    const nulls = this.take(rows)
    return Array.from({ length: rows }, (_, row) => {
      const value = this.value(nullable[1] ?? '')
      if (nulls[row] === 0) return value
      if (nulls[row] !== 1 || (typeof value === 'bigint' ? value !== 0n : (value as Buffer).length > 0))
        throw new Error(`row ${row} has a NULL that is not kept as one`)
      return null
    })
  }

  private value(type: string): Value {
    switch (type) {
      case 'Int16':
        return this.take(2).readInt16LE()
      case 'Int32':
        return this.take(4).readInt32LE()
      case 'DateTime':
        return this.take(4).readUInt32LE()
      case 'Int64':
        return this.take(8).readBigInt64LE()
      case 'IPv6':
        return this.take(16)
      default:
        return this.text()
    }
  }

  private take(bytes: number): Buffer {
    if (bytes > this.left) throw new Error('a block is cut off')
    this.at += bytes
    return this.bytes.subarray(this.at - bytes, this.at)
  }
}
