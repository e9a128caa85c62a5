// What the audit knows: sums of digests of tuples, added for what is expected, subtracted for what is found, so that what agrees leaves zero.
import { digestA, digestB, digestBytes } from './digest-hash'

/** What is done with each tuple. */
const ADD: i32 = 1
const SUBTRACT: i32 = -1
const LIST: i32 = 0

/** What a call ended with. */
export const ALL: i32 = 0
/** The last message is not complete; `next` is where it begins. */
export const PARTIAL: i32 = 1
/** The list is full; `next` is the tuple that found no place. */
const LIST_FULL: i32 = 2
/** No whole tuple or message; `next` is where it should begin. */
export const GARBLED: i32 = 3
/** A message other than CopyData; `next` is where it begins. */
export const OTHER_MESSAGE: i32 = 4
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
export class Digest {
  buckets!: usize
  /** log2 of the positions that share a bucket. */
  shift!: u32
  source!: i32
  list!: usize
  listCapacity!: u32
  unexpected!: usize
  unexpectedCapacity!: u32
  /** Room for a tuple made of any row that the input can hold. */
  scratch!: usize
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

/** Takes in the COPY tuple p..end, found in (or expected in) `partition`, which is below 0 when it lies in none. */
export function take(digest: Digest, p: usize, end: usize, mode: i32, partition: i32): i32 {
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
