// Postgres' hash partitioning: the remainder that a row's key has, computed as the server does (hashfn.c, partbounds.c).
import { inet, line } from './parse-line'

/** The column that is hashed: indices in `partitionKeys` of generators/record.ts. */
export const KEY_ID: i32 = 0
export const KEY_ADDRESS: i32 = 1
export const KEY_USER: i32 = 2

/** HASH_PARTITION_SEED. */
const SEED_HIGH: u32 = 0x7a5b2236
const SEED_LOW: u32 = 0x7996dcfd
/** What hash_combine64 adds to the first key's hash when it starts from zero. */
const COMBINE: u64 = 0x49a0f4dd15e5a8e3
const INITIAL: u32 = 0x9e3779b9 + 3923095

let a: u32 = 0
let b: u32 = 0
let c: u32 = 0

/** Remainder of the parsed line's key, for the record at `position`. */
export function remainderOf(key: i32, position: i64, partitions: u32): u32 {
  let hash: u64
  if (key == KEY_ID) hash = hashInt8(position)
  else if (key == KEY_ADDRESS) hash = hashBytes(inet, load<u8>(inet) == 2 ? 6 : 18)
  else if (key == KEY_USER) hash = hashBytes(line.user, line.userLength)
  else hash = hashBytes(line.path, line.pathLength)
  return ((hash + COMBINE) % (partitions as u64)) as u32
}

/** hashint8extended: folds to 32 bits so that equal int4 and int8 hash alike. */
function hashInt8(value: i64): u64 {
  const high = (value >> 32) as u32
  start(4)
  a += (value as u32) ^ (value >= 0 ? high : ~high)
  return finish()
}

/** hash_bytes_extended on a little-endian machine. */
function hashBytes(p: usize, length: i32): u64 {
  start(length)
  while (length >= 12) {
    a += load<u32>(p)
    b += load<u32>(p + 4)
    c += load<u32>(p + 8)
    mix()
    p += 12
    length -= 12
  }
  // The tail, bytes past it masked away; the lowest byte of c is reserved for the length.
  a += length >= 4 ? load<u32>(p) : load<u32>(p) & ((1 << (length << 3)) - 1)
  if (length > 4) b += length >= 8 ? load<u32>(p + 4) : load<u32>(p + 4) & ((1 << ((length - 4) << 3)) - 1)
  if (length > 8) c += (load<u32>(p + 8) & ((1 << ((length - 8) << 3)) - 1)) << 8
  return finish()
}

function start(length: u32): void {
  a = INITIAL + length + SEED_HIGH
  b = INITIAL + length + SEED_LOW
  c = INITIAL + length
  mix()
}

function mix(): void {
  let x = a
  let y = b
  let z = c
  x -= z; x ^= rotl(z, 4); z += y
  y -= x; y ^= rotl(x, 6); x += z
  z -= y; z ^= rotl(y, 8); y += x
  x -= z; x ^= rotl(z, 16); z += y
  y -= x; y ^= rotl(x, 19); x += z
  z -= y; z ^= rotl(y, 4); y += x
  a = x
  b = y
  c = z
}

function finish(): u64 {
  let x = a
  let y = b
  let z = c
  z ^= y; z -= rotl(y, 14)
  x ^= z; x -= rotl(z, 11)
  y ^= x; y -= rotl(x, 25)
  z ^= y; z -= rotl(y, 16)
  x ^= z; x -= rotl(z, 4)
  y ^= x; y -= rotl(x, 14)
  z ^= y; z -= rotl(y, 24)
  return ((y as u64) << 32) | z
}
