// Tuples of Postgres' binary COPY for the audit, alone or in messages as a server sends them.
import { ALL, Digest, GARBLED, OTHER_MESSAGE, PARTIAL, take } from './digest'

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
