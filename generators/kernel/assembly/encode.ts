// Encoding: one pass over lines that parses each, finds where it goes and appends it there.
import { Arena } from './arena'
import { Leaf, makeRoom, seal } from './copy-arena'
import { REJECT_OVERHEAD, ROW_OVERHEAD, writeReject, writeRow } from './copy-tuple'
import { Block } from './native-block'
import { putReject, putRow } from './native-row'
import { unmapAddress } from './parse-address'
import { parseCombined } from './parse-combined'
import { parseJson } from './parse-json'
import { EMPTY, INVALID_UTF8, line, MAX_LINE, NUL_BYTE, OK, TOO_LONG } from './parse-line'
import { isUtf8, scanLine } from './parse-scan'
import { remainderOf } from './route-hash'
import { addRun, hasRunLeft } from './runs'

const COMMON: i32 = 1
const JSON_FORMAT: i32 = 2

/** Results of encodeLines. */
const DONE: i32 = 0
const FULL: i32 = 1
const UNKNOWN_MONTH: i32 = 2

/** What the host sets up once for an encoder; it writes this as 32-bit numbers. */
@unmanaged
class Context {
  /** Index in `formats`. */
  format!: i32
  /** Index in `partitionKeys`, or -1 when rows are not routed. */
  key!: i32
  partitions!: u32
  /** For each month since 1970-01 the address of its destinations, or 0: one for each remainder, and that for each arena. */
  months!: usize
  /** For each reason the address and the length of its text. */
  reasons!: usize
  /** Most bytes kept of a rejected line. */
  keptBytes!: u32
  /** Size of a destination: a Leaf of COPY tuples, or a Block with its text columns. */
  destinationBytes!: u32
  /** Whether destinations are Blocks. */
  native!: u32
  /** Whether an IPv6 address that an IPv4 address is mapped to counts as that. */
  unmap!: u32
  /** Where encodeLines stopped: the address of the next line, how many it consumed, and the month it did not know. */
  next!: usize
  consumed!: u32
  unknownMonth!: i32
}

/**
 * Encodes lines p..end (each ended by a newline), at most `most` of them, the first being record `first` of `source`, into
 * arena number `index`. Stops before a line that does not fit (1) or belongs to an unknown month (2).
 */
export function encodeLines(context: Context, arena: Arena, rejects: usize, index: u32, p: usize, end: usize, source: i32, first: f64, most: u32): i32 {
  return context.native
    ? encodeInto(true, context, arena, rejects, index, p, end, source, first, most)
    : encodeInto(false, context, arena, rejects, index, p, end, source, first, most)
}

/** The loop of encodeLines, compiled once for each kind of destination. */
@inline
function encodeInto(native: bool, context: Context, arena: Arena, rejects: usize, index: u32, p: usize, end: usize, source: i32, first: f64, most: u32): i32 {
  const format = context.format
  const key = context.key
  const partitions = context.partitions
  const unmap = context.unmap != 0
  const destinationBytes = context.destinationBytes
  const offset = index * partitions * destinationBytes
  const start = first as i64
  let position = start
  let status = DONE
  const last = start + most
  while (p < end && position < last) {
    if (!hasRunLeft(arena)) {
      status = FULL
      break
    }
    const newline = scanLine(p)
    let stop = newline
    if (stop > p && load<u8>(stop - 1) == 0x0d) stop--
    let reason: i32
    if (stop == p) reason = EMPTY
    else if (stop - p > MAX_LINE) reason = TOO_LONG
    else if (line.nul) reason = NUL_BYTE
    else if (line.high && !isUtf8(p, stop)) reason = INVALID_UTF8
    else if (format == JSON_FORMAT) reason = parseJson(p, stop)
    else reason = parseCombined(p, stop, format == COMMON)

    if (reason == OK) {
      let at = load<usize>(context.months + (key < 0 ? 0 : (line.month as usize) << 2))
      if (at == 0) {
        context.unknownMonth = line.month
        status = UNKNOWN_MONTH
        break
      }
      at += offset
      if (unmap) unmapAddress()
      if (key >= 0 && partitions > 1) at += remainderOf(key, position, partitions) * destinationBytes
      if (!(native ? putRow(arena, changetype<Block>(at), source, position) : putTuple(arena, changetype<Leaf>(at), source, position, stop - p))) {
        status = FULL
        break
      }
    } else if (!reject(context, arena, rejects, reason, source, position, p, newline - p, (newline - p) as u32)) {
      status = FULL
      break
    }
    addRun(arena, source, position, (reason + 1) as u32)
    p = newline + 1
    position++
  }
  context.next = p
  context.consumed = (position - start) as u32
  return status
}

/** Rejects a line too long to lie in memory as a whole: `present` of its `length` bytes are at `p`. False when the arena is full. */
export function encodeTooLong(context: Context, arena: Arena, rejects: usize, source: i32, position: f64, p: usize, present: u32, length: u32): bool {
  if (!hasRunLeft(arena)) return false
  if (!reject(context, arena, rejects, TOO_LONG, source, position as i64, p, present, length)) return false
  addRun(arena, source, position as i64, TOO_LONG + 1)
  return true
}

/** Completes the last message of a leaf, so that the host can read it; more may be encoded afterwards. */
export function encodeSeal(leaf: Leaf): void {
  seal(leaf)
}

/** Appends the parsed line, `bytes` long, to a leaf; false when the arena is full. */
@inline
function putTuple(arena: Arena, leaf: Leaf, source: i32, position: i64, bytes: usize): bool {
  if (!makeRoom(arena, leaf, bytes + ROW_OVERHEAD)) return false
  leaf.cursor = writeRow(leaf.cursor, source, position)
  leaf.rows++
  return true
}

function reject(context: Context, arena: Arena, rejects: usize, reason: i32, source: i32, position: i64, p: usize, present: usize, length: u32): bool {
  const kept = min(present, context.keptBytes as usize)
  const text = load<usize>(context.reasons + (reason << 3))
  const textLength = load<usize>(context.reasons + (reason << 3), 4)
  if (context.native) return putReject(arena, changetype<Block>(rejects), source, position, text, textLength, length, p, kept)
  const leaf = changetype<Leaf>(rejects)
  if (!makeRoom(arena, leaf, kept + textLength + REJECT_OVERHEAD)) return false
  leaf.cursor = writeReject(leaf.cursor, source, position, text, textLength, length, p, kept)
  leaf.rows++
  return true
}
