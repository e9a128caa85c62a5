// Arenas: memory that is handed out from its front to its end and emptied as a whole, and chains of segments that gather bytes in it.

@unmanaged
export class Arena {
  start!: usize
  end!: usize
  free!: usize
  /** Usual size of a segment. */
  segmentBytes!: u32
  runs!: usize
  runCount!: u32
  runCapacity!: u32
  reserved!: u32
}

/** Bytes of one destination, in order. An item never spans two segments, for a segment grows beyond its usual size when an item needs it. */
@unmanaged
export class Chain {
  /** Where the next bytes go, and where they must not go; both 0 while the chain is empty. */
  cursor!: usize
  limit!: usize
  first!: usize
  last!: usize
}

/** Precedes a segment's bytes: the next segment of the chain, and how many bytes there are once the segment is complete. */
@unmanaged
export class Segment {
  next!: usize
  bytes!: u32
  reserved0!: u32
  reserved1!: u32
}

export const SEGMENT_HEADER: usize = 16
/** Copies run up to 16 bytes past an item's end. */
export const SLACK: usize = 32

/** Takes `bytes` off the arena's front, 16-aligned; 0 when it is full. */
export function takeFrom(arena: Arena, bytes: usize): usize {
  const at = arena.free
  const size = (bytes + 15) & ~15
  if (size > arena.end - at) return 0
  arena.free = at + size
  return at
}

/** Links a segment of `size` bytes, header and slack included, whose first `lead` bytes are the caller's; false when the arena is full. */
export function appendSegment(arena: Arena, chain: Chain, size: usize, lead: usize): bool {
  const at = takeFrom(arena, size)
  if (at == 0) return false
  const segment = changetype<Segment>(at)
  segment.next = 0
  segment.bytes = 0
  if (chain.last == 0) chain.first = at
  else changetype<Segment>(chain.last).next = at
  chain.last = at
  chain.cursor = at + SEGMENT_HEADER + lead
  chain.limit = at + size - SLACK
  return true
}
