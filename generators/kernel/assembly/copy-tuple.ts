// Tuples of Postgres' binary COPY: a count of fields, then each with its length, everything big-endian.
import { inet, line } from './parse-line'

/** At most this much longer than its line is a row's tuple. */
export const ROW_OVERHEAD: usize = 160
/** The same for a reject over the bytes that it keeps and its reason. */
export const REJECT_OVERHEAD: usize = 64

/** Lengths 4 and 8 as they lie in memory. */
const FOUR: u32 = 0x04000000
const EIGHT: u32 = 0x08000000

/** Writes the parsed line as a row's twelve columns at `to`; returns the end of the tuple. May scribble up to 16 bytes past it. */
export function writeRow(to: usize, source: i32, position: i64): usize {
  store<u16>(to, 0x0c00)
  store<u32>(to, FOUR, 2)
  store<u32>(to, bswap<u32>(source as u32), 6)
  store<u32>(to, EIGHT, 10)
  store<u64>(to, bswap<u64>(position as u64), 14)
  store<u32>(to, EIGHT, 22)
  store<u64>(to, bswap<u64>(line.created as u64), 26)
  // inet: family, bits, is_cidr, length of the address, address
  const addressBytes: u32 = load<u8>(inet) == 2 ? 4 : 16
  store<u32>(to, bswap<u32>(4 + addressBytes), 34)
  store<u16>(to, load<u16>(inet), 38)
  store<u16>(to, (addressBytes << 8) as u16, 40)
  v128.store(to, v128.load(inet, 2), 42)
  to += 42 + addressBytes
  to = writeText(to, line.user, line.userLength)
  to = writeText(to, line.method, line.methodLength)
  to = writeText(to, line.path, line.pathLength)
  to = writeText(to, line.protocol, line.protocolLength)
  store<u32>(to, 0x02000000)
  store<u16>(to, bswap<u16>(line.status as u16), 4)
  to += 6
  if (line.size < 0) {
    store<u32>(to, -1)
    to += 4
  } else {
    store<u32>(to, EIGHT)
    store<u64>(to, bswap<u64>(line.size as u64), 4)
    to += 12
  }
  to = writeText(to, line.referrer, line.referrerLength)
  return writeText(to, line.agent, line.agentLength)
}

/** Writes a rejected line's five columns at `to`: `length` is the line's, `kept` of its bytes lie at `p`. */
export function writeReject(to: usize, source: i32, position: i64, reason: usize, reasonLength: usize, length: u32, p: usize, kept: usize): usize {
  store<u16>(to, 0x0500)
  store<u32>(to, FOUR, 2)
  store<u32>(to, bswap<u32>(source as u32), 6)
  store<u32>(to, EIGHT, 10)
  store<u64>(to, bswap<u64>(position as u64), 14)
  to = writeText(to + 22, reason, reasonLength as i32)
  store<u32>(to, FOUR)
  store<u32>(to, bswap<u32>(length), 4)
  store<u32>(to, bswap<u32>(kept as u32), 8)
  memory.copy(to + 12, p, kept)
  return to + 12 + kept
}

/** A length below zero is NULL. */
@inline
function writeText(to: usize, p: usize, length: i32): usize {
  store<u32>(to, bswap<u32>(length as u32))
  to += 4
  if (length <= 0) return to
  const end = to + length
  do {
    v128.store(to, v128.load(p))
    to += 16
    p += 16
  } while (to < end)
  return end
}
