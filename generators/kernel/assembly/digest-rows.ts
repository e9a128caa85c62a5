// Rows of ClickHouse's RowBinary for the audit: each is made into the COPY tuple of the same record, so that one digest serves all stores.
import { writeReject, writeRow } from './copy-tuple'
import { ALL, Digest, GARBLED, PARTIAL, take } from './digest'
import { isMapped } from './parse-address'
import { inet, line, NULL } from './parse-line'

/** The shortest row and reject, all texts empty. */
const ROW_BYTES: usize = 41
const REJECT_BYTES: usize = 18
/** No text that Weir stores is longer: what says so is no text, and waiting for its end would take all memory. */
const MOST_TEXT: u32 = 1 << 26
/** Seconds from 1970 to 2000. */
const EPOCH: i64 = 946684800

// Where reading goes on, and the text read last; a length below zero is NULL.
let at: usize = 0
let text: usize = 0
let textLength: i32 = 0

/**
 * Takes in rows p..end (of the rejects, or of the records) found in `partition`. Stops before a row that is not complete. Heeds
 * nothing past `end`, but may load up to 16 bytes from there.
 */
export function digestRows(digest: Digest, p: usize, end: usize, mode: i32, partition: i32, rejects: bool): i32 {
  while (p < end) {
    digest.next = p
    at = p
    const status = rejects ? takeReject(digest, p, end, mode, partition) : takeRow(digest, p, end, mode, partition)
    if (status != ALL) return status
    p = at
  }
  digest.next = p
  return ALL
}

function takeRow(digest: Digest, p: usize, end: usize, mode: i32, partition: i32): i32 {
  if (end - p < ROW_BYTES) return PARTIAL
  line.created = ((load<u32>(p, 12) as i64) - EPOCH) * 1000000
  if (isMapped(p + 16)) {
    store<u16>(inet, 0x2002)
    store<u32>(inet, load<u32>(p, 28), 2)
  } else {
    store<u16>(inet, 0x8003)
    v128.store(inet, v128.load(p, 16), 2)
  }
  at = p + 32
  let status = readText(end)
  if (status != ALL) return status
  line.user = text
  line.userLength = textLength
  status = readText(end)
  if (status != ALL) return status
  line.method = text
  line.methodLength = textLength
  status = readText(end)
  if (status != ALL) return status
  line.path = text
  line.pathLength = textLength
  status = readText(end)
  if (status != ALL) return status
  line.protocol = text
  line.protocolLength = textLength
  if (end - at < 3) return PARTIAL
  line.status = load<i16>(at)
  const sizeNull = load<u8>(at, 2)
  if (sizeNull > 1) return GARBLED
  at += 3
  let size: i64 = NULL
  if (!sizeNull) {
    if (end - at < 8) return PARTIAL
    size = load<i64>(at)
    at += 8
  }
  line.size = size
  status = readNullable(end)
  if (status != ALL) return status
  line.referrer = text
  line.referrerLength = textLength
  status = readNullable(end)
  if (status != ALL) return status
  line.agent = text
  line.agentLength = textLength

  let stop = writeRow(digest.scratch, load<i32>(p), load<i64>(p, 4))
  // No line has a size below zero, and the tuple says NULL for it: behind that the value makes the row agree with none.
  if (!sizeNull && size < 0) {
    store<i64>(stop, size)
    stop += 8
  }
  return take(digest, digest.scratch, stop, mode, partition)
}

function takeReject(digest: Digest, p: usize, end: usize, mode: i32, partition: i32): i32 {
  if (end - p < REJECT_BYTES) return PARTIAL
  at = p + 12
  let status = readText(end)
  if (status != ALL) return status
  const reason = text
  const reasonLength = textLength
  if (end - at < 4) return PARTIAL
  const length = load<u32>(at)
  at += 4
  status = readText(end)
  if (status != ALL) return status
  const stop = writeReject(digest.scratch, load<i32>(p), load<i64>(p, 4), reason, reasonLength, length, text, textLength)
  return take(digest, digest.scratch, stop, mode, partition)
}

/** Reads a text after its length, seven bits a byte, lowest first. */
function readText(end: usize): i32 {
  let length: u32 = 0
  for (let shift: u32 = 0; ; shift += 7) {
    if (at >= end) return PARTIAL
    const byte: u32 = load<u8>(at++)
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) break
    if (shift == 21) return GARBLED
  }
  if (length > MOST_TEXT) return GARBLED
  if (end - at < (length as usize)) return PARTIAL
  text = at
  textLength = length as i32
  at += length
  return ALL
}

/** Reads a text that may be NULL, which a byte before it says. */
function readNullable(end: usize): i32 {
  if (at >= end) return PARTIAL
  const isNull = load<u8>(at++)
  if (isNull == 0) return readText(end)
  textLength = NULL
  return isNull == 1 ? ALL : GARBLED
}
