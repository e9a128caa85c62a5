/** Reconciles what lies in a store with what ought to, in constant memory and any order: the host's side of the kernel's digests. */
import type { Encoder } from './encoder.js'
import { messageHeaderBytes, monthIndex } from './encoder.js'
import { Kernel } from './kernel/kernel.js'

/** Where a tuple belongs or was found: undefined for rejects, and for a place that is no partition of the layout. */
export type Place = { readonly month: string; readonly remainder: number } | undefined

export interface DigesterOptions {
  /** The records to reconcile: first .. first+length of one source. */
  readonly source: number
  readonly first: number
  readonly length: number
  /** At most so many buckets (default 2^17, 24 bytes each). */
  readonly buckets?: number
  /** How many unexpected records are kept by name (default 1,000); all are counted. */
  readonly unexpected?: number
  /**
   * How the wire is encoded: messages of Postgres' binary COPY (the default), or rows of ClickHouse's RowBinary, one behind the
   * other. A record's digest is the same in both, but RowBinary does not tell an IPv4 address from the IPv6 address it is mapped
   * to: expect what an `Encoder` with `mappedAddresses: 'alike'` makes.
   */
  readonly encoding?: 'postgres-copy' | 'row-binary'
}

/** Which table rows on the wire come from; messages of COPY say so themselves. */
export type RowKind = 'rows' | 'rejects'

/** Positions from <= p < to. */
export interface Positions {
  readonly from: number
  readonly to: number
}

/** One tuple by name. `digest` (128 bits) is of its bytes alone, so that a misplaced tuple differs from the expected one by its place only. */
export interface Listed {
  readonly position: number
  readonly digest: bigint
  readonly place: Place
}

/** A message that is not CopyData ended a stretch of the wire. */
export interface WireStop {
  /** Its type: 'c' CopyDone, 'C' CommandComplete, 'E' ErrorResponse, 'N' NoticeResponse, ... */
  readonly type: string
  /** Where it begins in the chunk just given. */
  readonly offset: number
}

/** Layout shared with the kernel (Digest and Entry of digest.ts). */
const digestBytes = 96
const bucketBytes = 24
const entryBytes = 32
/** No tuple or row is shorter: a reject of RowBinary whose texts are empty. */
const minTupleBytes = 18
/** What a tuple can be longer than the row that it is made of, and what copies may scribble past it. */
const scratchOverhead = 512

const add = 1
const subtract = -1
const listing = 0

const defaultBuckets = 131_072
const defaultInputBytes = 524_288

/**
 * Sums digests of tuples (all fields and the place) by ranges of positions: added for the expected side, subtracted for the
 * found one. Ranges whose sums are zero agree, up to a chance of 2^-128. Tuples of rows and of rejects may be mixed: each
 * record is one or the other.
 */
export class Digester {
  readonly kernel: Kernel
  readonly options: Required<DigesterOptions>
  /** Bytes copied into the kernel's memory so far. */
  copiedBytes = 0
  private readonly digest: number
  private readonly buckets: number
  private readonly bucketCount: number
  private readonly shift: number
  private readonly unexpectedList: number
  private input: number
  private inputBytes = defaultInputBytes
  private list = 0
  private listCapacity = 0
  /** Bytes at the input's beginning that are the beginning of a message or a row. */
  private remainder = 0
  /** Which stretch of the wire they belong to. */
  private stretch = ''

  /** Given the encoder's kernel, it digests the encoder's arenas where they lie; otherwise they are copied. */
  constructor(options: DigesterOptions, kernel: Kernel = new Kernel()) {
    this.options = { buckets: defaultBuckets, unexpected: 1_000, encoding: 'postgres-copy', ...options }
    const { source, first, length, buckets, unexpected } = this.options
    if (
      !(Number.isSafeInteger(first) && Number.isSafeInteger(length) && first >= 0 && length >= 0 && Number.isSafeInteger(first + length))
    ) {
      throw new RangeError(`cannot audit ${length} records from position ${first}`)
    }
    if (!Number.isInteger(buckets) || buckets < 1) throw new RangeError(`an audit needs at least one bucket, not ${buckets}`)
    this.shift = Math.max(0, Math.ceil(Math.log2(Math.max(1, length) / buckets)))
    this.bucketCount = Math.max(1, Math.ceil(length / 2 ** this.shift))
    this.kernel = kernel
    this.digest = kernel.alloc(digestBytes)
    this.buckets = kernel.alloc(this.bucketCount * bucketBytes)
    this.unexpectedList = kernel.alloc(unexpected * entryBytes)
    this.input = kernel.alloc(this.inputBytes + 16)
    kernel.bytes().fill(0, this.digest, this.digest + digestBytes)
    kernel.bytes().fill(0, this.buckets, this.buckets + this.bucketCount * bucketBytes)
    const view = this.view()
    for (const [index, word] of [this.buckets, this.shift, source, 0, 0, this.unexpectedList, unexpected].entries())
      view.setInt32(index * 4, word, true)
    view.setBigInt64(32, BigInt(first), true)
    view.setBigInt64(40, BigInt(length), true)
    this.reserveList()
    this.reserveScratch()
  }

  /** Adds everything that an arena holds, rejects included. The encoder must be a routing one for rows to have a place. */
  expect(encoder: Encoder, arena: number): void {
    this.eachSegment(encoder, arena, (tuples, place) => this.tuples(tuples, add, place))
  }

  /** Subtracts whole tuples (without header or trailer) that were found in a place. Throws when they are no tuples. */
  found(tuples: Uint8Array, place: Place): void {
    this.tuples(tuples, subtract, place)
  }

  /**
   * Subtracts what a server sends, in pieces as they come from the socket: an incomplete message or row is kept for the next call.
   * Of COPY ... TO STDOUT (FORMAT binary) it returns where a message begins that is not CopyData, and has then nothing left over;
   * the rest of that chunk is the caller's. Of RowBinary there is nothing but rows, all of one `kind`.
   * Throws when the bytes are neither, and when an incomplete message or row is followed by those of another place or kind.
   */
  foundWire(chunk: Uint8Array, place: Place, kind: RowKind = 'rows'): WireStop | undefined {
    return this.wire(chunk, subtract, place, kind)
  }

  /** Says that what was read from the wire is all. Throws when it ends within a message or row. */
  endWire(): void {
    if (this.remainder === 0) return
    this.remainder = 0
    throw new Error(
      `the server's answer ended within a ${this.options.encoding === 'row-binary' ? 'row' : 'message'}: was the connection cut?`,
    )
  }

  /** Tuples found so far, wherever they belong. */
  get foundTuples(): number {
    return Number(this.view().getBigInt64(72, true))
  }

  /** Records found outside the range or of another source: all counted, the first ones named. */
  unexpected(): { readonly total: number; readonly records: { readonly source: number; readonly position: number }[] } {
    const view = this.view()
    const entries = this.entries(this.unexpectedList, view.getUint32(80, true))
    return { total: Number(view.getBigInt64(64, true)), records: entries.map(({ source, position }) => ({ source, position })) }
  }

  /** Ranges of positions that do not reconcile, in order; neighbours are joined up to `mostPositions`. */
  bad(mostPositions = 65_536): Positions[] {
    const { first, length } = this.options
    const size = 2 ** this.shift
    const ranges: { from: number; to: number }[] = []
    for (let index = 0; ; index++) {
      index = this.call('digestNextBad', this.digest, index, this.bucketCount)
      if (index >= this.bucketCount) return ranges
      const from = first + index * size
      const to = Math.min(from + size, first + length)
      const last = ranges.at(-1)
      if (last && last.to === from && to - last.from <= mostPositions) last.to = to
      else ranges.push({ from, to })
    }
  }

  /** Names the tuples of some positions that an arena holds. */
  listExpected(encoder: Encoder, arena: number, positions: Positions): Listed[] {
    const listed: Listed[] = []
    this.eachSegment(encoder, arena, (tuples, place) => this.tuples(tuples, listing, place, this.listInto(listed, positions, place)))
    return listed
  }

  /** Names those of some positions among whole tuples found in a place. */
  listFound(tuples: Uint8Array, place: Place, positions: Positions): Listed[] {
    const listed: Listed[] = []
    this.tuples(tuples, listing, place, this.listInto(listed, positions, place))
    return listed
  }

  /** The same for what comes from the wire: see `foundWire`, with which it shares the incomplete message or row. */
  listWire(
    chunk: Uint8Array,
    place: Place,
    positions: Positions,
    kind: RowKind = 'rows',
  ): { readonly listed: Listed[]; readonly stop: WireStop | undefined } {
    const listed: Listed[] = []
    const stop = this.wire(chunk, listing, place, kind, this.listInto(listed, positions, place))
    return { listed, stop }
  }

  private eachSegment(encoder: Encoder, arena: number, take: (tuples: Uint8Array, place: Place) => void): void {
    for (const leaf of encoder.leaves(arena)) {
      for (const segment of leaf.segments) take(segment.subarray(messageHeaderBytes), leaf)
    }
    for (const segment of encoder.rejects(arena).segments) take(segment.subarray(messageHeaderBytes), undefined)
  }

  private tuples(tuples: Uint8Array, mode: number, place: Place, drain?: () => void): void {
    const partition = placeNumber(place)
    const inPlace = tuples.buffer === this.kernel.memory.buffer
    // An incomplete message at the input's beginning stays: tuples are laid behind it.
    for (let offset = 0; offset < tuples.length; ) {
      let at = tuples.byteOffset + offset
      let bytes = tuples.length - offset
      if (!inPlace) {
        if (this.remainder === this.inputBytes) this.growInput()
        bytes = Math.min(bytes, this.inputBytes - this.remainder)
        at = this.input + this.remainder
        this.copy(tuples.subarray(offset, offset + bytes), at)
      }
      const status = this.call('digestTuples', this.digest, at, at + bytes, mode, partition)
      drain?.()
      const consumed = this.next() - at
      offset += consumed
      if (status === 5) throw new RangeError(`expected tuples are not of records ${this.range()}`)
      if (status === 3 && consumed === 0) {
        if (inPlace || offset + bytes === tuples.length)
          throw new Error(`no tuple of a binary COPY where one should be, ${offset} bytes into ${tuples.length}`)
        this.growInput()
      }
    }
  }

  private wire(chunk: Uint8Array, mode: number, place: Place, kind: RowKind, drain?: () => void): WireStop | undefined {
    const partition = placeNumber(place)
    const stretch = `${kind} ${partition}`
    if (stretch !== this.stretch) this.endWire()
    this.stretch = stretch
    for (let offset = 0; offset < chunk.length; ) {
      if (this.remainder === this.inputBytes) this.growInput()
      const taken = Math.min(this.inputBytes - this.remainder, chunk.length - offset)
      this.copy(chunk.subarray(offset, offset + taken), this.input + this.remainder)
      offset += taken
      const end = this.input + this.remainder + taken
      const status = this.digestInput(end, mode, partition, kind)
      drain?.()
      const next = this.next()
      const left = end - next
      if (status === 4) {
        this.remainder = 0
        return { type: String.fromCharCode(this.kernel.bytes()[next] ?? 0), offset: offset - left }
      }
      if (status !== 0 && status !== 1) {
        this.remainder = 0
        throw this.garbled(kind)
      }
      if (next !== this.input) this.kernel.bytes().copyWithin(this.input, next, end)
      this.remainder = left
    }
    return undefined
  }

  private digestInput(end: number, mode: number, partition: number, kind: RowKind): number {
    return this.options.encoding === 'row-binary'
      ? this.call('digestRows', this.digest, this.input, end, mode, partition, Number(kind === 'rejects'))
      : this.call('digestMessages', this.digest, this.input, end, mode, partition)
  }

  private garbled(kind: RowKind): Error {
    return new Error(
      this.options.encoding === 'row-binary'
        ? `the server sent bytes that are no ${kind} in RowBinary with the columns that were asked for`
        : 'the server sent a CopyData message that does not hold whole tuples of source, position and further columns',
    )
  }

  /** Prepares the list for some positions; returns what moves the kernel's list into an array. */
  private listInto(listed: Listed[], positions: Positions, place: Place): () => void {
    const view = this.view()
    view.setBigInt64(48, BigInt(positions.from), true)
    view.setBigInt64(56, BigInt(positions.to), true)
    view.setUint32(84, 0, true)
    return () => {
      for (const { position, digest } of this.entries(this.list, this.view().getUint32(84, true))) listed.push({ position, digest, place })
      this.view().setUint32(84, 0, true)
    }
  }

  /** A list as long as the input can hold tuples, so that messages need not be resumed in their middle. */
  private reserveList(): void {
    const capacity = Math.ceil(this.inputBytes / minTupleBytes)
    if (this.listCapacity >= capacity) return
    const list = this.kernel.alloc(capacity * entryBytes)
    this.kernel.bytes().copyWithin(list, this.list, this.list + this.listCapacity * entryBytes)
    this.list = list
    this.listCapacity = capacity
    this.view().setUint32(12, list, true)
    this.view().setUint32(16, capacity, true)
  }

  private entries(address: number, count: number): { source: number; position: number; digest: bigint }[] {
    const view = new DataView(this.kernel.memory.buffer, address, count * entryBytes)
    return Array.from({ length: count }, (_, index) => {
      const at = index * entryBytes
      return {
        source: view.getInt32(at + 24, true),
        position: Number(view.getBigInt64(at, true)),
        digest: (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at + 16, true),
      }
    })
  }

  private growInput(): void {
    const input = this.kernel.alloc(this.inputBytes * 2 + 16)
    this.kernel.bytes().copyWithin(input, this.input, this.input + this.remainder)
    this.input = input
    this.inputBytes *= 2
    this.reserveList()
    this.reserveScratch()
  }

  /** Room for a tuple made of any row that fits into the input. */
  private reserveScratch(): void {
    if (this.options.encoding !== 'row-binary') return
    const scratch = this.kernel.alloc(this.inputBytes + scratchOverhead)
    this.view().setUint32(28, scratch, true)
  }

  private copy(bytes: Uint8Array, to: number): void {
    this.kernel.bytes().set(bytes, to)
    this.copiedBytes += bytes.length
  }

  private next(): number {
    return this.view().getUint32(88, true)
  }

  private range(): string {
    const { source, first, length } = this.options
    return `${first} to ${first + length} of source ${source}`
  }

  private view(): DataView {
    return new DataView(this.kernel.memory.buffer, this.digest, digestBytes)
  }

  private call(name: string, ...values: number[]): number {
    const call = this.kernel.exports[name] as (...values: number[]) => number
    return call(...values)
  }
}

/** How the kernel knows a place: below 0 when it is no partition. */
function placeNumber(place: Place): number {
  return place === undefined || place.month === '' ? -1 : monthIndex(place.month) * 65_536 + place.remainder
}
