// Arenas: where tuples gather, leaf by leaf, in segments that are ready-made CopyData messages of Postgres.
//
// An arena hands out segments from its front to its end and is emptied as a whole. Each leaf has a chain of them; a tuple
// never spans two, for a segment grows beyond its usual size when a tuple needs it.

/** One leaf partition's tuples in one arena. The host reads this as eight 32-bit numbers. */
@unmanaged
export class Leaf {
  /** Where the next tuple goes, and where it must not go; both 0 while the leaf is empty. */
  cursor!: usize
  limit!: usize
  first!: usize
  last!: usize
  rows!: u32
  /** Bytes of the tuples in all segments but the last. */
  sealedBytes!: u32
  reserved0!: u32
  reserved1!: u32
}

/** Precedes a segment's message: the next segment of the chain, and the length of the message once it is sealed. */
@unmanaged
class Segment {
  next!: usize
  messageBytes!: u32
  reserved0!: u32
  reserved1!: u32
}

const SEGMENT_HEADER: usize = 16
/** 'd' and its length. */
const MESSAGE_HEADER: usize = 5
/** Copies run up to 16 bytes past a tuple's end. */
const SLACK: usize = 32

@unmanaged
export class Arena {
  start!: usize
  end!: usize
  free!: usize
  segmentBytes!: u32
  runs!: usize
  runCount!: u32
  runCapacity!: u32
  reserved!: u32
}

/** Makes room for a tuple of at most `bytes` at the leaf's cursor; false when the arena is full. */
@inline
export function makeRoom(arena: Arena, leaf: Leaf, bytes: usize): bool {
  return leaf.cursor + bytes <= leaf.limit || addSegment(arena, leaf, bytes)
}

function addSegment(arena: Arena, leaf: Leaf, bytes: usize): bool {
  const overhead = SEGMENT_HEADER + MESSAGE_HEADER + SLACK
  const size = (max(arena.segmentBytes as usize, bytes + overhead) + 15) & ~15
  if (arena.free + size > arena.end) return false
  const at = arena.free
  arena.free = at + size
  const segment = changetype<Segment>(at)
  segment.next = 0
  segment.messageBytes = 0
  if (leaf.first == 0) leaf.first = at
  else {
    leaf.sealedBytes += (seal(leaf) - MESSAGE_HEADER) as u32
    changetype<Segment>(leaf.last).next = at
  }
  leaf.last = at
  leaf.cursor = at + SEGMENT_HEADER + MESSAGE_HEADER
  leaf.limit = at + size - SLACK
  return true
}

/** Completes the message of the leaf's last segment (more may follow, and it is sealed again); returns its length. */
export function seal(leaf: Leaf): usize {
  if (leaf.last == 0) return 0
  const message = leaf.last + SEGMENT_HEADER
  const bytes = leaf.cursor - message
  store<u8>(message, 0x64)
  store<u32>(message + 1, bswap<u32>((bytes - 1) as u32))
  changetype<Segment>(leaf.last).messageBytes = bytes as u32
  return bytes
}

/** A run of records with one fate, for the host: 24 bytes. */
@unmanaged
class Run {
  first!: i64
  count!: u32
  source!: i32
  /** 0 stored, otherwise 1 + the reason. */
  fate!: u32
  reserved!: u32
}

const RUN_BYTES: usize = 24

/** Whether one more run can be noted. */
@inline
export function hasRunLeft(arena: Arena): bool {
  return arena.runCount < arena.runCapacity
}

/** Notes a record's fate, in the last run where it continues that. */
@inline
export function addRun(arena: Arena, source: i32, position: i64, fate: u32): void {
  if (arena.runCount != 0) {
    const last = changetype<Run>(arena.runs + ((arena.runCount - 1) as usize) * RUN_BYTES)
    if (last.fate == fate && last.source == source && last.first + last.count == position && last.count != u32.MAX_VALUE) {
      last.count++
      return
    }
  }
  const run = changetype<Run>(arena.runs + (arena.runCount as usize) * RUN_BYTES)
  run.first = position
  run.count = 1
  run.source = source
  run.fate = fate
  arena.runCount++
}
