// Writing bytes: copies by 16, literals, decimal and hexadecimal digits, and the random numbers everything is drawn with.

/** Copies len bytes in steps of 16; at least 32 bytes are written, so the destination needs that much room. */
// @ts-expect-error: decorator
@inline
export function copy(dst: usize, src: usize, len: usize): usize {
  v128.store(dst, v128.load(src))
  v128.store(dst, v128.load(src, 16), 16)
  for (let i: usize = 32; i < len; i += 16) v128.store(dst + i, v128.load(src + i))
  return dst + len
}

/** Writes an ASCII literal (AssemblyScript keeps it as UTF-16). */
export function put(dst: usize, text: string): usize {
  const from = changetype<usize>(text)
  const length = <usize>text.length
  for (let i: usize = 0; i < length; i++) store<u8>(dst + i, load<u8>(from + (i << 1)))
  return dst + length
}

export function putByte(dst: usize, byte: u32): usize {
  store<u8>(dst, <u8>byte)
  return dst + 1
}

/** Writes an unsigned number in decimal. */
export function putDecimal(dst: usize, value: u64): usize {
  let digits: usize = 1
  for (let rest = value / 10; rest != 0; rest /= 10) digits++
  let at = dst + digits
  do {
    at--
    store<u8>(at, <u8>(48 + (value % 10)))
    value /= 10
  } while (value != 0)
  return dst + digits
}

/** Writes the last `digits` decimal digits, with leading zeros. */
export function putPadded(dst: usize, value: u32, digits: u32): usize {
  for (let at = dst + digits; at > dst; ) {
    at--
    store<u8>(at, <u8>(48 + (value % 10)))
    value /= 10
  }
  return dst + digits
}

/** Writes a hexadecimal number of 1 to 4 digits without leading zeros. */
export function putHex(dst: usize, value: u32): usize {
  let shift: i32 = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0
  for (; shift >= 0; shift -= 4) {
    const nibble = (value >> shift) & 15
    store<u8>(dst, <u8>(nibble < 10 ? 48 + nibble : 87 + nibble))
    dst++
  }
  return dst
}

/** Writes `count` characters of the URL-safe base 64 alphabet, six bits each. */
export function putToken(dst: usize, bits: u64, count: i32): usize {
  for (let i = 0; i < count; i++) {
    const v = <u32>(bits & 63)
    bits = (bits >> 6) | (bits << 58)
    store<u8>(dst + i, <u8>(v < 26 ? 65 + v : v < 52 ? 71 + v : v < 62 ? v - 4 : v == 62 ? 45 : 95))
  }
  return dst + count
}

/** Finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the result depends on every bit of the argument. */
// @ts-expect-error: decorator
@inline
export function mix(x: u64): u64 {
  x += 0x9e3779b97f4a7c15
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb
  return x ^ (x >> 31)
}

let state: u64 = 0

/** Starts the sequence of `next`. */
export function reseed(seed: u64): void {
  state = seed
}

/** The next 64 random bits: SplitMix64. */
// @ts-expect-error: decorator
@inline
export function next(): u64 {
  const x = state
  state = x + 0x9e3779b97f4a7c15
  return mix(x)
}

// 2^(j/1024) in 20 bits of fraction: turns uniform bits into a logarithmic scale.
const powers = memory.data(1025 * 4)

export function initPowers(): void {
  for (let j = 0; j <= 1024; j++) {
    store<u32>(powers + (<usize>j << 2), <u32>(NativeMath.exp((<f64>j * 0.6931471805599453) / 1024) * 1048576 + 0.5))
  }
}

/**
 * A rank, from 0, whose density falls as 1/rank within an octave; `octaves` has 256 bytes, which octave each of the
 * equally likely values of 8 bits stands for. Uses the low 28 bits of x.
 */
export function rankOf(x: u64, octaves: usize): u32 {
  const octave = <u64>load<u8>(octaves + <usize>(x & 255))
  const at = powers + ((<usize>(x >> 8) & 1023) << 2)
  const low = <u64>load<u32>(at)
  const high = <u64>load<u32>(at, 4)
  const t = low + (((high - low) * ((x >> 18) & 1023)) >> 10)
  return <u32>((t << octave) >> 20) - 1
}

/** Fills an octave table from weights, given as decimal numbers separated by spaces; they need not add up to 256. */
export function initOctaves(octaves: usize, weights: string): void {
  const from = changetype<usize>(weights)
  const length = weights.length
  let total = 0
  for (let pass = 0; pass < 2; pass++) {
    let sum = 0
    let octave = 0
    let filled = 0
    let value = 0
    for (let i = 0; i <= length; i++) {
      const c = i < length ? <i32>load<u16>(from + (<usize>i << 1)) : 32
      if (c != 32) {
        value = value * 10 + (c - 48)
        continue
      }
      sum += value
      if (pass == 1) {
        const until = (sum * 256) / total
        for (; filled < until; filled++) store<u8>(octaves + filled, <u8>octave)
      }
      value = 0
      octave++
    }
    total = sum
  }
}

/** Size in bytes from 64 hash bits: log-normal, with the normal approximated by four uniform summands. */
export function logNormal(bits: u64, mu: f64, sigma: f64): u64 {
  const sum = <i64>(bits & 0xffff) + <i64>((bits >> 16) & 0xffff) + <i64>((bits >> 32) & 0xffff) + <i64>(bits >> 48)
  const z = <f64>(sum - 131070) / 37837.0
  return <u64>NativeMath.exp(mu + sigma * z)
}
