// SIMD scans over a line. They may load, but never heed, up to 16 bytes past its end: the region around a chunk is padded for that.
import { line } from './parse-line'

/** Address of the newline that ends the line at `p`; the caller guarantees that there is one. Notes NULs and bytes above 0x7f on the way. */
export function scanLine(p: usize): usize {
  const newline = i8x16.splat(10)
  const zero = i8x16.splat(0)
  let high = zero
  let lowest = i8x16.splat(-1)
  let block = v128.load(p)
  let ends = i8x16.bitmask(i8x16.eq(block, newline))
  while (!ends) {
    high = v128.or(high, block)
    lowest = i8x16.min_u(lowest, block)
    p += 16
    block = v128.load(p)
    ends = i8x16.bitmask(i8x16.eq(block, newline))
  }
  const index = ctz(ends)
  const before = (1 << index) - 1
  line.high = ((i8x16.bitmask(block) & before) | i8x16.bitmask(high)) != 0
  line.nul = ((i8x16.bitmask(i8x16.eq(block, zero)) & before) | i8x16.bitmask(i8x16.eq(lowest, zero))) != 0
  return p + index
}

/** First `byte` in p..end, or `end`. */
export function findByte(p: usize, end: usize, byte: u8): usize {
  const wanted = i8x16.splat(byte)
  for (; p < end; p += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), wanted))
    if (found) {
      const at = p + ctz(found)
      return at < end ? at : end
    }
  }
  return end
}

/** Last `byte` in from..end, or 0. */
export function findLast(from: usize, end: usize, byte: u8): usize {
  const wanted = i8x16.splat(byte)
  while (end > from) {
    const p = end - 16
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), wanted))
    if (found) {
      const at = p + (31 - clz(found))
      return at >= from ? at : 0
    }
    end = p
  }
  return 0
}

/** First quote in p..end that no backslash escapes, or `end`. */
export function findQuote(p: usize, end: usize): usize {
  const start = p
  const quote = i8x16.splat(0x22)
  for (; p < end; p += 16) {
    let found = i8x16.bitmask(i8x16.eq(v128.load(p), quote))
    while (found) {
      const at = p + ctz(found)
      if (at >= end) return end
      if (load<u8>(at - 1) != 0x5c || !escaped(start, at)) return at
      found &= found - 1
    }
  }
  return end
}

/** Whether an odd number of backslashes stands before `at`, not looking before `start`. */
function escaped(start: usize, at: usize): bool {
  let p = at
  while (p > start && load<u8>(p - 1) == 0x5c) p--
  return ((at - p) & 1) != 0
}

/** Whether p..end is UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
export function isUtf8(p: usize, end: usize): bool {
  while (p < end) {
    const byte = load<u8>(p)
    if (byte < 0x80) {
      p += p + 8 <= end && (load<u64>(p) & 0x8080808080808080) == 0 ? 8 : 1
      continue
    }
    let more: usize
    let lowest: u8 = 0x80
    let highest: u8 = 0xbf
    if (byte < 0xc2) return false
    else if (byte < 0xe0) more = 1
    else if (byte < 0xf0) {
      more = 2
      if (byte == 0xe0) lowest = 0xa0
      else if (byte == 0xed) highest = 0x9f
    } else if (byte < 0xf5) {
      more = 3
      if (byte == 0xf0) lowest = 0x90
      else if (byte == 0xf4) highest = 0x8f
    } else return false
    if (p + more >= end) return false
    const second = load<u8>(p + 1)
    if (second < lowest || second > highest) return false
    for (let i: usize = 2; i <= more; i++) if ((load<u8>(p + i) & 0xc0) != 0x80) return false
    p += more + 1
  }
  return true
}
