// Internet addresses: strict dotted quads, and the whole textual grammar of IPv6 (RFC 4291, 2.2), zones aside.
import { inet } from './parse-line'

/** Reads the address p..end into `inet`. */
export function parseAddress(p: usize, end: usize): bool {
  if (parseQuad(p, end, inet + 2)) {
    store<u16>(inet, 0x2002) // family 2, 32 bits
    return true
  }
  if (parseGroups(p, end)) {
    store<u16>(inet, 0x8003) // family 3, 128 bits
    return true
  }
  return false
}

/** Makes the address just read the IPv4 address that is mapped to it, if it lies in ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
@inline
export function unmapAddress(): void {
  if (load<u8>(inet) == 3 && isMapped(inet + 2)) {
    store<u32>(inet, load<u32>(inet, 14), 2)
    store<u16>(inet, 0x2002)
  }
}

/** Whether the sixteen bytes at `p` are an IPv6 address in ::ffff:0:0/96. */
@inline
export function isMapped(p: usize): bool {
  return load<u64>(p) == 0 && load<u32>(p, 8) == 0xffff0000
}

/** Four decimal numbers without leading zeros, stored as 4 bytes at `to`. */
function parseQuad(p: usize, end: usize, to: usize): bool {
  let octet: u32 = 0
  let digits = 0
  let dots = 0
  for (; p < end; p++) {
    const digit = (load<u8>(p) as u32) - 48
    if (digit < 10) {
      if (digits != 0 && octet == 0) return false
      octet = octet * 10 + digit
      if (octet > 255) return false
      digits++
    } else {
      if (digit != (-2 as u32) || digits == 0 || dots == 3) return false
      store<u8>(to + dots, octet)
      dots++
      octet = 0
      digits = 0
    }
  }
  store<u8>(to + dots, octet)
  return dots == 3 && digits != 0
}

/** Eight groups of up to four hexadecimal digits; '::' stands for one or more groups of zeros, a dotted quad for the last two. */
function parseGroups(p: usize, end: usize): bool {
  const to = inet + 2
  let count = 0
  let gap = -1
  if (p + 2 > end) return false
  if (load<u8>(p) == 0x3a) {
    if (load<u8>(p + 1) != 0x3a) return false
    p += 2
    gap = 0
  }
  while (p < end) {
    if (count == 8) return false
    let value: u32 = 0
    let q = p
    for (; q < end; q++) {
      const digit = hexDigit(load<u8>(q))
      if (digit > 15) break
      value = (value << 4) | digit
      if (q - p == 4) return false
    }
    if (q == p) return false
    if (q < end && load<u8>(q) == 0x2e) {
      if (count > 6 || !parseQuad(p, end, to + (count << 1))) return false
      count += 2
      break
    }
    store<u16>(to + (count << 1), bswap<u16>(value as u16))
    count++
    p = q
    if (p == end) break
    if (load<u8>(p) != 0x3a) return false
    p++
    if (p == end) return false
    if (load<u8>(p) == 0x3a) {
      if (gap >= 0) return false
      gap = count
      p++
    }
  }
  if (gap < 0) return count == 8
  if (count >= 8) return false
  const tail = (count - gap) << 1
  memory.copy(to + 16 - tail, to + (gap << 1), tail)
  memory.fill(to + (gap << 1), 0, 16 - tail - (gap << 1))
  return true
}

/** Value of a hexadecimal digit, or something above 15. */
export function hexDigit(byte: u32): u32 {
  const decimal = byte - 48
  if (decimal < 10) return decimal
  const letter = (byte | 32) - 97
  return letter < 6 ? letter + 10 : 16
}
