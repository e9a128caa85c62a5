// Blocks of ClickHouse's Native format as they gather: columns of fixed width side by side in stripes, each text column in a chain of its own.
import { appendSegment, Arena, Chain, Segment, SEGMENT_HEADER, SLACK, takeFrom } from './arena'

/** The rows of one month, or the rejects, in one arena; its text columns follow it. The host reads both as 32-bit numbers. */
@unmanaged
export class Block {
  rows!: u32
  firstStripe!: usize
  stripe!: usize
  /** Rows that the last stripe has room for, and those that it holds. */
  stripeRows!: u32
  stripeUsed!: u32
  reserved0!: u32
  reserved1!: u32
  reserved2!: u32
}

/** A column of texts, each after its length as a varint. */
@unmanaged
export class Texts extends Chain {
  /** Size of the last segment. */
  segmentBytes!: u32
  reserved0!: u32
  reserved1!: u32
  reserved2!: u32
}

/** Precedes a stripe: for each column of fixed width, one behind the other, room for `capacity` values. */
@unmanaged
class Stripe {
  next!: usize
  rows!: u32
  capacity!: u32
  reserved!: u32
}

const STRIPE_HEADER: usize = 16
// The first stripe of a block is small and each that follows is twice as large, so that a month of a few rows costs little.
const FIRST_ROWS: u32 = 256
const MOST_ROWS: u32 = 4096
/** The same for segments of texts: the largest is the arena's usual size. */
const FIRST_BYTES: u32 = 4096

/** A text's length takes at most this much: no text has 2 MiB. */
const MOST_LENGTH_BYTES: i32 = 3

/** The block's text column number `index`. */
@inline
export function textsOf(block: Block, index: usize): Texts {
  return changetype<Texts>(changetype<usize>(block) + offsetof<Block>() + index * offsetof<Texts>())
}

/** Makes room for one more row in columns of fixed width, `width` bytes together; false when the arena is full. */
@inline
export function makeRowRoom(arena: Arena, block: Block, width: usize): bool {
  return block.stripeUsed < block.stripeRows || addStripe(arena, block, width)
}

function addStripe(arena: Arena, block: Block, width: usize): bool {
  let capacity = min(max(block.stripeRows << 1, FIRST_ROWS), MOST_ROWS)
  let at = takeFrom(arena, STRIPE_HEADER + (capacity as usize) * width)
  while (at == 0 && capacity > FIRST_ROWS) {
    capacity >>= 1
    at = takeFrom(arena, STRIPE_HEADER + (capacity as usize) * width)
  }
  if (at == 0) return false
  const stripe = changetype<Stripe>(at)
  stripe.next = 0
  stripe.rows = 0
  stripe.capacity = capacity
  if (block.stripe == 0) block.firstStripe = at
  else {
    const last = changetype<Stripe>(block.stripe)
    last.rows = block.stripeUsed
    last.next = at
  }
  block.stripe = at
  block.stripeRows = capacity
  block.stripeUsed = 0
  return true
}

/** Where the last stripe's values begin. */
@inline
export function valuesOf(block: Block): usize {
  return block.stripe + STRIPE_HEADER
}

/** Makes room for a text of `length` bytes (below zero: NULL, kept as an empty one); false when the arena is full. */
@inline
export function makeTextRoom(arena: Arena, texts: Texts, length: i32): bool {
  const bytes = (length + MOST_LENGTH_BYTES) as usize
  return texts.cursor + bytes <= texts.limit || addTextSegment(arena, texts, bytes)
}

function addTextSegment(arena: Arena, texts: Texts, bytes: usize): bool {
  const usual = min(max(texts.segmentBytes << 1, FIRST_BYTES), arena.segmentBytes)
  const last = texts.last
  const end = texts.cursor
  if (!appendSegment(arena, texts, max(usual as usize, bytes + SEGMENT_HEADER + SLACK), 0)) return false
  if (last != 0) changetype<Segment>(last).bytes = (end - last - SEGMENT_HEADER) as u32
  texts.segmentBytes = usual
  return true
}

/** Appends a text for which there is room. May scribble up to 16 bytes past it. */
@inline
export function putText(texts: Texts, p: usize, length: i32): void {
  let to = texts.cursor
  if (length <= 0) {
    store<u8>(to, 0)
    texts.cursor = to + 1
    return
  }
  if (length < 0x80) {
    store<u8>(to, length)
    to++
  } else if (length < 0x4000) {
    store<u16>(to, (length & 0x7f) | 0x80 | ((length >> 7) << 8))
    to += 2
  } else {
    store<u16>(to, (length & 0x7f) | 0x80 | ((((length >> 7) & 0x7f) | 0x80) << 8))
    store<u8>(to, length >> 14, 2)
    to += 3
  }
  const end = to + length
  do {
    v128.store(to, v128.load(p))
    to += 16
    p += 16
  } while (to < end)
  texts.cursor = end
}
