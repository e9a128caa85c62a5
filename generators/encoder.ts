/** Lines in, COPY binary tuples out, one leaf partition apart from the other: the host's side of the kernel's encoder. */
import type { Kernel } from './kernel/kernel.js'
import { defaultSegmentBytes, LineEncoder } from './line-encoder.js'
import type { Format, PartitionKey } from './record.js'
import { partitionKeys } from './record.js'
import { requireWhole } from './require-whole.js'

export { type Encoded, minArenaBytes, type Run } from './line-encoder.js'
export { monthIndex } from './months.js'

export interface EncoderOptions {
  readonly format: Format
  readonly partitionKey: PartitionKey
  /** Hash partitions of each month. */
  readonly partitions: number
  /** Size of each arena. At least `minArenaBytes`, so that any line fits into an empty one. */
  readonly arenaBytes: number
  /** How many arenas: with two, one batch is encoded while the other is on the socket. */
  readonly arenas: number
  /** false: all rows go to one leaf (month '', remainder 0), to be written through the parent table; months need not be known. */
  readonly routed?: boolean
  /** Usual size of a segment, default 64 KiB; each leaf touched takes one at least. */
  readonly segmentBytes?: number
  /**
   * 'alike': an IPv6 address in ::ffff:0:0/96 is the IPv4 address that is mapped to it, as in stores that keep both as the same
   * sixteen bytes. Default 'apart'.
   */
  readonly mappedAddresses?: 'apart' | 'alike'
}

/** Tuples of one destination. */
export interface Tuples {
  /**
   * Ready-made CopyData messages, in order, each holding whole tuples: views on the kernel's memory, valid until `begin` of
   * this arena. They are encoded without the COPY header and trailer: see `copyHeader` and `copyTrailer`.
   */
  readonly segments: Uint8Array[]
  readonly rows: number
  /** Bytes of the tuples, without the messages' headers. */
  readonly bytes: number
}

/** Tuples of one leaf partition. */
export interface Leaf extends Tuples {
  /** 'YYYY-MM', or '' when rows are not routed. */
  readonly month: string
  readonly remainder: number
}

/** Bytes before a message's tuples: its type 'd' and its length. */
export const messageHeaderBytes = 5

/** A CopyData message with the header of a binary COPY: what comes first. */
export const copyHeader = Uint8Array.of(
  0x64,
  0,
  0,
  0,
  23,
  0x50,
  0x47,
  0x43,
  0x4f,
  0x50,
  0x59,
  0x0a,
  0xff,
  0x0d,
  0x0a,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
)

/** A CopyData message with the trailer of a binary COPY: what comes last, before CopyDone. */
export const copyTrailer = Uint8Array.of(0x64, 0, 0, 0, 6, 0xff, 0xff)

// Layout shared with the kernel, in 32-bit words: Leaf of copy-arena.ts; bytes for the rest.
const leafWords = 8
const segmentHeaderBytes = 16

/** Parses, routes and encodes lines. Reserves all its memory when made; one thread's own. */
export class Encoder extends LineEncoder {
  readonly options: Required<EncoderOptions>

  constructor(options: EncoderOptions, kernel?: Kernel) {
    const whole = { routed: true, segmentBytes: defaultSegmentBytes, mappedAddresses: 'apart' as const, ...options }
    const { format, arenas, arenaBytes, segmentBytes, routed, partitionKey, mappedAddresses } = whole
    requireWhole('partitions', options.partitions, 1, 32_767)
    const partitions = routed ? options.partitions : 1
    const key = routed ? partitionKeys.indexOf(partitionKey) : -1
    const shape = { format, arenas, arenaBytes, segmentBytes, key, partitions, destinationBytes: leafWords * 4 }
    super({ ...shape, native: false, unmap: mappedAddresses === 'alike' }, kernel)
    this.options = whole
  }

  /** The leaves that hold rows, by month and remainder. */
  leaves(arena: number): Leaf[] {
    return this.destinations(arena)
      .map(({ month, remainder, address }) => ({ month, remainder, ...this.tuples(address) }))
      .filter(({ rows }) => rows > 0)
  }

  /** The rejected lines, as tuples of (source, position, reason, length, line). */
  rejects(arena: number): Tuples {
    return this.tuples(this.rejectsOf(arena))
  }

  private tuples(address: number): Tuples {
    this.call('encodeSeal', address)
    const words = this.words(address, leafWords)
    const segments: Uint8Array[] = []
    let bytes = 0
    for (let segment = words[2] ?? 0; segment !== 0; ) {
      const [next = 0, length = 0] = this.words(segment, 2)
      segments.push(new Uint8Array(this.kernel.memory.buffer, segment + segmentHeaderBytes, length))
      bytes += length - messageHeaderBytes
      segment = next
    }
    return { segments, rows: words[4] ?? 0, bytes }
  }
}
