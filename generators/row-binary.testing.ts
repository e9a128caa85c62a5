/** Writes rows as ClickHouse's RowBinary, for tests of the digester: a second writer of what a server sends. */
import { isIPv4 } from 'node:net'
import type { RejectTuple, RowTuple } from './tuples.js'

/** A row with the columns of `nginx_logfile_row`. */
export function rowBinary(row: RowTuple): Buffer {
  return Buffer.concat([
    int32(row.source),
    int64(row.position),
    int32(Number(row.createdAt / 1_000_000n) + 946_684_800),
    addressBytes(row.remoteAddr),
    ...[row.remoteUser, row.method, row.path, row.protocol].map(text),
    Buffer.of(row.status & 0xff, row.status >> 8),
    ...(row.bytes === null ? [Buffer.of(1)] : [Buffer.of(0), int64(row.bytes)]),
    ...[row.referrer, row.userAgent].map((value) => (value === null ? Buffer.of(1) : Buffer.concat([Buffer.of(0), text(value)]))),
  ])
}

/** A kept reject. */
export function rejectBinary({ source, position, reason, length, line }: RejectTuple): Buffer {
  return Buffer.concat([int32(source), int64(position), text(reason), int32(length), text(line)])
}

/** Sixteen bytes; an IPv4 address as the IPv6 address that it is mapped to. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from([...Array(10).fill(0), 0xff, 0xff, ...address.split('.').map(Number)])
  return Buffer.from(
    address
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  )
}

function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length: number[] = []
  for (let rest = bytes.length; ; rest >>= 7) {
    if (rest < 128) return Buffer.concat([Buffer.of(...length, rest), bytes])
    length.push((rest & 127) | 128)
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

function int64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(value))
  return bytes
}
