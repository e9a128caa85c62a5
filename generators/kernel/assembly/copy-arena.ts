// Leaves: where COPY tuples gather, one leaf partition apart from the other, in segments that are ready-made CopyData messages of Postgres.
import { appendSegment, Arena, Chain, Segment, SEGMENT_HEADER, SLACK } from './arena'

/** One leaf partition's tuples in one arena. The host reads this as eight 32-bit numbers. */
@unmanaged
export class Leaf extends Chain {
  rows!: u32
  reserved0!: u32
  reserved1!: u32
  reserved2!: u32
}

/** 'd' and its length. */
const MESSAGE_HEADER: usize = 5

/** Makes room for a tuple of at most `bytes` at the leaf's cursor; false when the arena is full. */
@inline
export function makeRoom(arena: Arena, leaf: Leaf, bytes: usize): bool {
  return leaf.cursor + bytes <= leaf.limit || addSegment(arena, leaf, bytes)
}

function addSegment(arena: Arena, leaf: Leaf, bytes: usize): bool {
  seal(leaf)
  const size = max(arena.segmentBytes as usize, bytes + SEGMENT_HEADER + MESSAGE_HEADER + SLACK)
  return appendSegment(arena, leaf, size, MESSAGE_HEADER)
}

/** Completes the message of the leaf's last segment (more may follow, and it is sealed again). */
export function seal(leaf: Leaf): void {
  if (leaf.last == 0) return
  const message = leaf.last + SEGMENT_HEADER
  const bytes = leaf.cursor - message
  store<u8>(message, 0x64)
  store<u32>(message + 1, bswap<u32>((bytes - 1) as u32))
  changetype<Segment>(leaf.last).bytes = bytes as u32
}
