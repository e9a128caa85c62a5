// Two 64-bit digests of a tuple's bytes, which differ for tuples that differ, up to chance; not meant to resist an attacker.

const ONE: u64 = 0x9e3779b97f4a7c15
const TWO: u64 = 0xc2b2ae3d27d4eb4f
const THREE: u64 = 0xff51afd7ed558ccd
const FOUR: u64 = 0xc4ceb9fe1a85ec53

/** The two digests of what was hashed last. */
export let digestA: u64 = 0
export let digestB: u64 = 0

/** Hashes `length` bytes at `p`, seeded with the partition. Four lanes of eight bytes keep the multiplier busy. */
export function digestBytes(p: usize, length: usize, seed: u64): void {
  let a = seed + ONE
  let b = seed ^ TWO
  let c = (length as u64) + THREE
  let d = ~seed - FOUR
  const end = p + length
  while (p + 32 <= end) {
    a = rotl(a ^ (load<u64>(p) * ONE), 29) * TWO
    b = rotl(b ^ (load<u64>(p, 8) * TWO), 31) * THREE
    c = rotl(c ^ (load<u64>(p, 16) * THREE), 27) * FOUR
    d = rotl(d ^ (load<u64>(p, 24) * FOUR), 33) * ONE
    p += 32
  }
  while (p + 8 <= end) {
    a = rotl(a ^ (load<u64>(p) * ONE), 29) * TWO
    b = rotl(b + a, 31) * THREE
    p += 8
  }
  let tail: u64 = 0
  for (let shift: u64 = 0; p < end; p++, shift += 8) tail |= (load<u8>(p) as u64) << shift
  c = rotl(c ^ (tail * THREE), 27) * FOUR
  a ^= mix(c, THREE)
  b ^= mix(d, FOUR)
  digestA = mix(a + rotl(b, 23), FOUR)
  digestB = mix(b ^ rotl(a, 41), TWO)
}

@inline
function mix(x: u64, factor: u64): u64 {
  x = (x ^ (x >> 32)) * factor
  x = (x ^ (x >> 29)) * ONE
  return x ^ (x >> 32)
}
