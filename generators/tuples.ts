/** Reads COPY binary tuples back into fields: to show what differs when an audit fails, and to test what the kernel writes. Slow. */

/** A row as its columns lie in the tuple: `null` is NULL. */
export interface RowTuple {
  readonly source: number
  readonly position: number
  /** Microseconds since 2000-01-01 UTC. */
  readonly createdAt: bigint
  readonly remoteAddr: string
  readonly remoteUser: string
  readonly method: string
  readonly path: string
  readonly protocol: string
  readonly status: number
  readonly bytes: bigint | null
  readonly referrer: string | null
  readonly userAgent: string | null
}

/** A rejected line as it is kept. */
export interface RejectTuple {
  readonly source: number
  readonly position: number
  readonly reason: string
  /** Bytes of the whole line without its newline. */
  readonly length: number
  /** The first of them. */
  readonly line: Buffer
}

/** Microseconds from 1970 to 2000. */
const postgresEpochUs = 946_684_800_000_000n

/** When a row says that it was created, in ISO 8601. */
export function createdAtIso(createdAt: bigint): string {
  return new Date(Number((createdAt + postgresEpochUs) / 1000n)).toISOString()
}

/** Decodes rows. Throws when a tuple does not have twelve columns of the right types. */
export function decodeRows(tuples: Uint8Array): RowTuple[] {
  return fields(tuples, 12).map((row) => ({
    source: notNull(row[0]).readInt32BE(),
    position: Number(notNull(row[1]).readBigInt64BE()),
    createdAt: notNull(row[2]).readBigInt64BE(),
    remoteAddr: address(notNull(row[3])),
    remoteUser: notNull(row[4]).toString(),
    method: notNull(row[5]).toString(),
    path: notNull(row[6]).toString(),
    protocol: notNull(row[7]).toString(),
    status: notNull(row[8]).readInt16BE(),
    bytes: row[9]?.readBigInt64BE() ?? null,
    referrer: row[10]?.toString() ?? null,
    userAgent: row[11]?.toString() ?? null,
  }))
}

/** Decodes rejects. Throws when a tuple does not have their five columns. */
export function decodeRejects(tuples: Uint8Array): RejectTuple[] {
  return fields(tuples, 5).map((row) => ({
    source: notNull(row[0]).readInt32BE(),
    position: Number(notNull(row[1]).readBigInt64BE()),
    reason: notNull(row[2]).toString(),
    length: notNull(row[3]).readInt32BE(),
    line: notNull(row[4]),
  }))
}

function fields(tuples: Uint8Array, columns: number): (Buffer | undefined)[][] {
  const bytes = Buffer.from(tuples.buffer, tuples.byteOffset, tuples.length)
  const rows: (Buffer | undefined)[][] = []
  for (let at = 0; at < bytes.length; ) {
    const count = bytes.readInt16BE(at)
    if (count !== columns) throw new Error(`a tuple at byte ${at} has ${count} columns, not ${columns}`)
    at += 2
    const row: (Buffer | undefined)[] = []
    for (let column = 0; column < columns; column++) {
      const length = bytes.readInt32BE(at)
      at += 4
      row.push(length < 0 ? undefined : Buffer.from(bytes.subarray(at, at + length)))
      if (length > 0) at += length
    }
    if (at > bytes.length) throw new Error('the last tuple is cut off')
    rows.push(row)
  }
  return rows
}

function notNull(field: Buffer | undefined): Buffer {
  if (field === undefined) throw new Error('a column that is never NULL is NULL')
  return field
}

/** Dotted, or all eight groups. */
function address(inet: Buffer): string {
  const bytes = inet.subarray(4)
  if (inet[0] === 2) return bytes.join('.')
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':')
}
