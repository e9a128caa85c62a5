// Digests of tuples, for the audit: added for what is expected, subtracted for what is found, so that what agrees leaves zero.
import { digestA, digestB, digestBytes } from './digest-hash'

/** What is done with each tuple. */
const ADD: i32 = 1
const SUBTRACT: i32 = -1
const LIST: i32 = 0

/** What a call ended with. */
const ALL: i32 = 0
/** The last message is not complete; `next` is where it begins. */
const PARTIAL: i32 = 1
/** The list is full; `next` is the tuple that found no place. */
const LIST_FULL: i32 = 2
/** No whole tuple or message; `next` is where it should begin. */
const GARBLED: i32 = 3
/** A message other than CopyData; `next` is where it begins. */
const OTHER_MESSAGE: i32 = 4
/** A tuple to be expected is not of the range; `next` is where it begins. */
const OUTSIDE: i32 = 5

/** Sums over the tuples of some neighbouring positions. */
@unmanaged
class Bucket {
  count!: i64
  sumA!: u64
  sumB!: u64
}

/** A tuple of its own: 32 bytes. */
@unmanaged
class Entry {
  position!: i64
  digestA!: u64
  digestB!: u64
  source!: i32
  reserved!: i32
}

/** One audit's state; the host writes the first eight words. */
@unmanaged
class Digest {
  buckets!: usize
  /** log2 of the positions that share a bucket. */
  shift!: u32
  source!: i32
  list!: usize
  listCapacity!: u32
  unexpected!: usize
  unexpectedCapacity!: u32
  reserved!: u32
  first!: i64
  length!: i64
  /** Positions to list: from <= p < to. */
  listFrom!: i64
  listTo!: i64
  unexpectedTotal!: i64
  /** Tuples found, wherever they belong. */
  tuples!: i64
  unexpectedCount!: u32
  listCount!: u32
  next!: usize
}

/** Takes in whole tuples p..end found in (or expected in) `partition`, which is below 0 when they lie in none. */
export function digestTuples(digest: Digest, p: usize, end: usize, mode: i32, partition: i32): i32 {
  while (p < end) {
    digest.next = p
    const stop = tupleEnd(p, end)
    if (stop == 0) return GARBLED
    const status = take(digest, p, stop, mode, partition)
    if (status != ALL) return status
    p = stop
  }
  digest.next = p
  return ALL
}

/**
 * Takes in the tuples of whole CopyData messages p..end as a server sends them, header and trailer of the COPY aside. Stops
 * before a message of another kind or one that is not complete. A message must hold whole tuples, as Postgres' do.
 */
export function digestMessages(digest: Digest, p: usize, end: usize, mode: i32, partition: i32): i32 {
  while (p < end) {
    digest.next = p
    if (load<u8>(p) != 0x64) return OTHER_MESSAGE
    if (p + 5 > end) return PARTIAL
    const length = bswap<u32>(load<u32>(p, 1)) as usize
    if (length < 4 || length > 0x40000000) return GARBLED
    const stop = p + 1 + length
    if (stop > end) return PARTIAL
    p += 5
    // 'PGCOPY\n\xff'; the whole header is 19 bytes, its extension always empty.
    if (p + 19 <= stop && load<u64>(p) == 0xff0a59504f434750) p += 19
    while (p < stop && !(p + 2 == stop && load<u16>(p) == 0xffff)) {
      const tuple = tupleEnd(p, stop)
      if (tuple == 0) return GARBLED
      const status = take(digest, p, tuple, mode, partition)
      if (status != ALL) return status
      p = tuple
    }
    p = stop
  }
  digest.next = p
  return ALL
}

/** End of the tuple at `p`, or 0 when no tuple that begins with source and position lies whole before `end`. */
function tupleEnd(p: usize, end: usize): usize {
  if (p + 22 > end) return 0
  let fields = bswap<u16>(load<u16>(p)) as i32
  if (fields > 32 || fields < 2 || load<u32>(p, 2) != 0x04000000 || load<u32>(p, 10) != 0x08000000) return 0
  p += 22
  fields -= 2
  while (fields > 0) {
    if (p + 4 > end) return 0
    const length = bswap<u32>(load<u32>(p)) as i32
    p += 4
    if (length > 0) {
      if ((end - p) < (length as usize)) return 0
      p += length
    }
    fields--
  }
  return p
}

function take(digest: Digest, p: usize, end: usize, mode: i32, partition: i32): i32 {
  const source = bswap<u32>(load<u32>(p, 6)) as i32
  const position = bswap<u64>(load<u64>(p, 14)) as i64
  if (mode == LIST) {
    if (source != digest.source || position < digest.listFrom || position >= digest.listTo) return ALL
    if (digest.listCount == digest.listCapacity) return LIST_FULL
    digestBytes(p, end - p, 0)
    const entry = changetype<Entry>(digest.list + (digest.listCount as usize) * offsetof<Entry>())
    entry.position = position
    entry.digestA = digestA
    entry.digestB = digestB
    entry.source = source
    digest.listCount++
    return ALL
  }
  digest.tuples += mode == SUBTRACT ? 1 : 0
  const index = (position as u64) - (digest.first as u64)
  if (source != digest.source || index >= (digest.length as u64)) {
    if (mode == ADD) return OUTSIDE
    digest.unexpectedTotal++
    if (digest.unexpectedCount < digest.unexpectedCapacity) {
      const entry = changetype<Entry>(digest.unexpected + (digest.unexpectedCount as usize) * offsetof<Entry>())
      entry.position = position
      entry.source = source
      digest.unexpectedCount++
    }
    return ALL
  }
  digestBytes(p, end - p, partition as i64 as u64)
  const bucket = changetype<Bucket>(digest.buckets + ((index >> digest.shift) as usize) * offsetof<Bucket>())
  const sign = mode as i64
  bucket.count += sign
  bucket.sumA += digestA * (sign as u64)
  bucket.sumB += digestB * (sign as u64)
  return ALL
}

/** Next bucket from `index` up to `count` that does not reconcile, or `count`. */
export function digestNextBad(digest: Digest, index: u32, count: u32): u32 {
  for (; index < count; index++) {
    const bucket = changetype<Bucket>(digest.buckets + (index as usize) * offsetof<Bucket>())
    if ((bucket.count | (bucket.sumA as i64) | (bucket.sumB as i64)) != 0) break
  }
  return index
}
