/** One row, or one reject, in RowBinary: for the row path, which writes records one by one. */
import { isIPv4 } from 'node:net'
import { keptLineBytes } from '../../generators/record.js'
import type { Row } from '../store.js'

/** A row in the order of `rowColumns`, see https://clickhouse.com/docs/en/interfaces/formats#rowbinary. */
export function rowBinary(row: Row): Buffer {
  return Buffer.concat([
    int32(row.source),
    int64(row.position),
    seconds(row.createdAt),
    addressBytes(row.remoteAddr),
    string(row.remoteUser ?? ''),
    string(row.method),
    string(row.path),
    string(row.protocol),
    int16(row.status),
    nullable(row.bytes, int64),
    nullable(row.referrer, string),
    nullable(row.userAgent, string),
  ])
}

export function rejectBinary(line: Uint8Array, source: number, position: number, reason: string): Buffer {
  return Buffer.concat([
    int32(source),
    int64(position),
    string(reason),
    int32(line.byteLength),
    bytes(line.subarray(0, Math.min(line.byteLength, keptLineBytes))),
  ])
}

/** An address as IPv6, an IPv4 one as the IPv6 address that it is mapped to. */
export function addressBytes(address: string): Buffer {
  const all = Buffer.alloc(16)
  const [, head = address, dotted] = /^(.*:)?(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? []
  if (isIPv4(address)) {
    all.writeUInt16BE(0xffff, 10)
    all.set(address.split('.').map(Number), 12)
    return all
  }
  const four = (dotted ?? '').split('.').map(Number)
  const last = dotted === undefined ? '' : `${hex(four[0], four[1])}:${hex(four[2], four[3])}`
  const [left = '', right] = (dotted === undefined ? address : `${head}${last}`).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  groups(left).forEach((group, i) => {
    all.writeUInt16BE(group, 2 * i)
  })
  const tail = groups(right ?? '')
  tail.forEach((group, i) => {
    all.writeUInt16BE(group, 16 - 2 * (tail.length - i))
  })
  return all
}

function hex(high = 0, low = 0): string {
  return (high * 256 + low).toString(16)
}

function int16(value: number): Buffer {
  const at = Buffer.alloc(2)
  at.writeInt16LE(value)
  return at
}

function int32(value: number): Buffer {
  const at = Buffer.alloc(4)
  at.writeInt32LE(value)
  return at
}

function int64(value: number | bigint): Buffer {
  const at = Buffer.alloc(8)
  at.writeBigInt64LE(BigInt(value))
  return at
}

function seconds(createdAt: string): Buffer {
  const at = Buffer.alloc(4)
  at.writeUInt32LE(Math.floor(Date.parse(createdAt) / 1000))
  return at
}

function nullable<T>(value: T | null, write: (value: T) => Buffer): Buffer {
  return value === null ? Buffer.of(1) : Buffer.concat([Buffer.of(0), write(value)])
}

function string(text: string): Buffer {
  return bytes(Buffer.from(text, 'utf8'))
}

/** Length as LEB128, then the bytes. */
function bytes(content: Uint8Array): Buffer {
  const length: number[] = []
  for (let left = content.byteLength; ; left >>>= 7) {
    if (left < 128) {
      length.push(left)
      break
    }
    length.push((left & 127) | 128)
  }
  return Buffer.concat([Buffer.from(length), content])
}
