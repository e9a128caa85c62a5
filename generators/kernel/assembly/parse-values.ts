// Values that every format shares: the request with its three parts, status, size, and texts that '-' makes absent.
import { line, NULL } from './parse-line'
import { findByte, findLast } from './parse-scan'

/**
 * Splits the request p..end as /^([^ ]+) (.+?)(?: (HTTP\/[^ ]*))?$/s does into method, path and protocol; what does not
 * match ('-', '', TLS spoken to a plain port) is all path, with method and protocol ''.
 */
export function splitRequest(p: usize, end: usize): void {
  line.protocol = end
  line.protocolLength = 0
  const first = findByte(p, end, 0x20)
  if (first == p || first + 1 >= end) {
    line.method = p
    line.methodLength = 0
    line.path = p
    line.pathLength = (end - p) as i32
    return
  }
  line.method = p
  line.methodLength = (first - p) as i32
  line.path = first + 1
  const last = findLast(first, end, 0x20)
  // 'HTTP' and '/'
  if (last > first + 1 && last + 6 <= end && load<u32>(last + 1) == 0x50545448 && load<u8>(last + 5) == 0x2f) {
    line.protocol = last + 1
    line.protocolLength = (end - last - 1) as i32
    line.pathLength = (last - first - 1) as i32
  } else {
    line.pathLength = (end - first - 1) as i32
  }
}

/** Status 100..999 of the three digits at `p`, or 0. */
export function statusAt(p: usize): i32 {
  const hundreds = (load<u8>(p) as u32) - 48
  const tens = (load<u8>(p + 1) as u32) - 48
  const ones = (load<u8>(p + 2) as u32) - 48
  if (hundreds - 1 > 8 || tens > 9 || ones > 9) return 0
  return (hundreds * 100 + tens * 10 + ones) as i32
}

/** Reads the size at `p` ('-' or digits) into the line; returns where it ends, or 0 when there is none or it exceeds 63 bits. */
export function parseSize(p: usize): usize {
  let digit = (load<u8>(p) as u32) - 48
  if (digit > 9) {
    if (digit != (-3 as u32)) return 0
    line.size = NULL
    return p + 1
  }
  const start = p
  let size: u64 = 0
  do {
    size = size * 10 + digit
    p++
    digit = (load<u8>(p) as u32) - 48
  } while (digit <= 9 && p - start < 19)
  if (digit <= 9 || size > (i64.MAX_VALUE as u64)) return 0
  line.size = size as i64
  return p
}

/** Length of the text p..end, or NULL for '-'. */
@inline
export function lengthOrNull(p: usize, end: usize): i32 {
  const length = (end - p) as i32
  return length == 1 && load<u8>(p) == 0x2d ? NULL : length
}
