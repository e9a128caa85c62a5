// The combined and the common log format, read from left to right; the first field that is wrong names the reason.
import { parseAddress } from './parse-address'
import { BAD_ADDRESS, BAD_DATE, BAD_SIZE, BAD_STATUS, line, MALFORMED, NULL, OK } from './parse-line'
import { findByte, findQuote } from './parse-scan'
import { parseLogTime } from './parse-time'
import { lengthOrNull, parseSize, splitRequest, statusAt } from './parse-values'

/** Parses the line p..end, `end` being its newline or the '\r' before that: neither matches anything that is looked for. */
export function parseCombined(p: usize, end: usize, common: bool): i32 {
  let q = findByte(p, end, 0x20)
  if (q == end) return MALFORMED
  if (!parseAddress(p, q)) return BAD_ADDRESS
  p = q + 1

  // The identity of RFC 1413 has no column; it is '-' on every server of today.
  q = load<u16>(p) == 0x202d ? p + 1 : findByte(p, end, 0x20)
  if (q == end || q == p) return MALFORMED
  p = q + 1

  let date: usize
  line.user = p
  if ((load<u32>(p) & 0xffffff) == 0x5b202d && hasDateShape(p + 2, end)) {
    line.userLength = 0
    date = p + 2
  } else {
    date = findDate(p, end)
    if (date == end) return findByte(p, end, 0x5b) != end && findByte(p, end, 0x5d) != end ? BAD_DATE : MALFORMED
    const length = lengthOrNull(p, date - 1)
    line.userLength = length == NULL ? 0 : length
  }
  if (!parseLogTime(date + 1)) return BAD_DATE
  p = date + 28
  if (load<u16>(p) != 0x2220) return MALFORMED

  p += 2
  q = findQuote(p, end)
  if (q == end || load<u8>(q + 1) != 0x20) return MALFORMED
  splitRequest(p, q)
  p = q + 2

  line.status = statusAt(p)
  if (line.status == 0 || load<u8>(p + 3) != 0x20) return findByte(p, end, 0x20) == end ? MALFORMED : BAD_STATUS
  p += 4

  q = parseSize(p)
  if (common) {
    line.referrerLength = NULL
    line.agentLength = NULL
    if (q == end) return OK
    return p == end || (q != 0 && load<u8>(q) == 0x20) ? MALFORMED : BAD_SIZE
  }
  if (q == 0 || load<u8>(q) != 0x20) return findByte(p, end, 0x20) == end ? MALFORMED : BAD_SIZE
  if (load<u8>(q + 1) != 0x22) return MALFORMED

  p = q + 2
  q = findQuote(p, end)
  if (q == end || load<u16>(q + 1) != 0x2220) return MALFORMED
  line.referrer = p
  line.referrerLength = lengthOrNull(p, q)

  p = q + 3
  q = findQuote(p, end)
  if (q + 1 != end) return MALFORMED
  line.agent = p
  line.agentLength = lengthOrNull(p, q)
  return OK
}

/** Whether the bracket at `p` opens something of a date's length and slashes. */
@inline
function hasDateShape(p: usize, end: usize): bool {
  return p + 27 < end && load<u8>(p + 27) == 0x5d && load<u8>(p + 3) == 0x2f && load<u8>(p + 7) == 0x2f
}

/** The first ' [' at or after `p` that opens a date, as the address of its bracket; a user's name may hold spaces and brackets before it. */
function findDate(p: usize, end: usize): usize {
  for (let at = findByte(p, end, 0x5b); at < end; at = findByte(at + 1, end, 0x5b)) {
    if (at > p && load<u8>(at - 1) == 0x20 && hasDateShape(at, end)) return at
  }
  return end
}
