// Looking at lines without encoding them: whether each is a record, and where it names a person.
import { parseCombined } from './parse-combined'
import { parseJson } from './parse-json'
import { EMPTY, INVALID_UTF8, line, MAX_LINE, NUL_BYTE, OK, TOO_LONG } from './parse-line'
import { findByte, isUtf8, scanLine } from './parse-scan'

const COMMON: i32 = 1
const JSON_FORMAT: i32 = 2

/** What is said of a line; the host reads it as 32-bit numbers. */
@unmanaged
class Inspected {
  /** Newline included. */
  bytes!: u32
  /** 0: a record; otherwise the index in `rejectReasons` and one. */
  reason!: u32
  /** Of a record of the combined or common format: the address begins the line and has this length. */
  addressBytes!: u32
  /** And where the user lies, counted from the line's beginning; a length of 0 when there is none. */
  userAt!: u32
  userBytes!: u32
}

/** Inspects lines p..end, each ended by a newline, at most `most` of them, into as many entries. Returns how many. */
export function inspectLines(format: i32, p: usize, end: usize, entries: usize, most: u32): u32 {
  let count: u32 = 0
  while (p < end && count < most) {
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

    const entry = changetype<Inspected>(entries + count * offsetof<Inspected>())
    const placed = reason == OK && format != JSON_FORMAT
    entry.bytes = (newline + 1 - p) as u32
    entry.reason = (reason + 1) as u32
    entry.addressBytes = placed ? (findByte(p, stop, 0x20) - p) as u32 : 0
    entry.userAt = placed ? (line.user - p) as u32 : 0
    entry.userBytes = placed ? line.userLength : 0
    p = newline + 1
    count++
  }
  return count
}
