// Time stamps: '17/May/2015:10:05:03 +0000' of the logs and ISO 8601 of JSON, to microseconds since 2000 and a UTC month.
import { line } from './parse-line'

/** Days from 1970-01-01 to 2000-01-01. */
const EPOCH: i32 = 10957
const FIRST_YEAR: i32 = 1970
const LAST_YEAR: i32 = 2099

// Consecutive lines share their day and offset, so the last day's text is kept with what it came to.
let cachedDay: u64 = 0
let cachedYear: u32 = 0
let cachedOffset: u32 = 0
let cachedMinutes: u16 = 0
/** Days since 2000-01-01, the offset in seconds, and months since 1970-01 of that text. */
let day: i32 = 0
let offset: i32 = 0
let month: i32 = 0

/** Reads the 26 bytes of a log's time at `p` (without brackets); false when they are none. */
export function parseLogTime(p: usize): bool {
  const dayText = load<u64>(p)
  const yearText = load<u32>(p + 8)
  const offsetText = load<u32>(p + 20)
  const minutesText = load<u16>(p + 24)
  if (dayText != cachedDay || yearText != cachedYear || offsetText != cachedOffset || minutesText != cachedMinutes) {
    cachedDay = 0
    if (load<u8>(p + 2) != 0x2f || load<u8>(p + 6) != 0x2f || load<u8>(p + 11) != 0x3a || load<u8>(p + 20) != 0x20) return false
    if (!setDay((twoDigits(p + 7) * 100 + twoDigits(p + 9)) as i32, monthNamed(load<u32>(p + 3) & 0xffffff), twoDigits(p) as i32)) return false
    if (!setOffset(load<u8>(p + 21), twoDigits(p + 22), twoDigits(p + 24))) return false
    cachedDay = dayText
    cachedYear = yearText
    cachedOffset = offsetText
    cachedMinutes = minutesText
  }
  return clock(p + 12)
}

/** Reads an ISO 8601 time p..end: date, 'T', time, and an offset as 'Z', +hh:mm or +hhmm. */
export function parseIsoTime(p: usize, end: usize): bool {
  const length = end - p
  if (length < 20 || length > 25) return false
  cachedDay = 0
  if (load<u8>(p + 4) != 0x2d || load<u8>(p + 7) != 0x2d || load<u8>(p + 10) != 0x54) return false
  if (!setDay((twoDigits(p) * 100 + twoDigits(p + 2)) as i32, twoDigits(p + 5) as i32, twoDigits(p + 8) as i32)) return false
  if (length == 20) {
    if (load<u8>(p + 19) != 0x5a) return false
    offset = 0
  } else if (length == 24) {
    if (!setOffset(load<u8>(p + 19), twoDigits(p + 20), twoDigits(p + 22))) return false
  } else {
    if (length != 25 || load<u8>(p + 22) != 0x3a) return false
    if (!setOffset(load<u8>(p + 19), twoDigits(p + 20), twoDigits(p + 23))) return false
  }
  return clock(p + 11)
}

/** Adds hh:mm:ss at `p` to the day and offset that are set. */
function clock(p: usize): bool {
  const hour = twoDigits(p)
  const minute = twoDigits(p + 3)
  const second = twoDigits(p + 6)
  if (hour > 23 || minute > 59 || second > 59 || load<u8>(p + 2) != 0x3a || load<u8>(p + 5) != 0x3a) return false
  const seconds = ((hour * 60 + minute) * 60 + second) as i32 - offset
  line.created = ((day as i64) * 86400 + seconds) * 1000000
  line.month = month
  if ((seconds as u32) < 86400) return true
  // The offset moved it into a neighbouring day, perhaps another month.
  line.month = monthOf(day + (seconds < 0 ? -1 : 1))
  return line.month >= 0 && line.month < (LAST_YEAR - FIRST_YEAR + 1) * 12
}

function setDay(year: i32, month1: i32, dayOfMonth: i32): bool {
  if (year < FIRST_YEAR || year > LAST_YEAR || month1 < 1 || month1 > 12) return false
  if (dayOfMonth < 1 || dayOfMonth > daysIn(year, month1)) return false
  month = (year - FIRST_YEAR) * 12 + month1 - 1
  day = daysBefore(month) + dayOfMonth - 1
  return true
}

/** Postgres' own limit for offsets is just below 16 hours. */
function setOffset(sign: u8, hours: u32, minutes: u32): bool {
  if (hours > 15 || minutes > 59) return false
  offset = ((hours * 60 + minutes) * 60) as i32
  if (sign == 0x2d) offset = -offset
  else if (sign != 0x2b) return false
  return true
}

function isLeap(year: i32): bool {
  return (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0)
}

function daysIn(year: i32, month1: i32): i32 {
  if (month1 == 2) return isLeap(year) ? 29 : 28
  return month1 == 4 || month1 == 6 || month1 == 9 || month1 == 11 ? 30 : 31
}

/** Days from 2000-01-01 to the first of a month, counted in months since 1970-01. */
function daysBefore(index: i32): i32 {
  const year = FIRST_YEAR + index / 12
  // Leap years before this one since 1970: every fourth from 1972 on; 2000 is one, and 2100 is out of range.
  let days = (year - FIRST_YEAR) * 365 + ((year - 1969) >> 2) - EPOCH
  for (let month1 = index % 12; month1 > 0; month1--) days += daysIn(year, month1)
  return days
}

/** Month of a day since 2000-01-01; -1 before 1970. */
function monthOf(at: i32): i32 {
  if (at < -EPOCH) return -1
  let index = ((at + EPOCH) as f64 / 30.4) as i32 + 1
  while (daysBefore(index) > at) index--
  return index
}

/** Two decimal digits at `p`, or at least 1000. */
@inline
function twoDigits(p: usize): u32 {
  const tens = (load<u8>(p) as u32) - 48
  const ones = (load<u8>(p + 1) as u32) - 48
  return tens > 9 || ones > 9 ? 100000 : tens * 10 + ones
}

/** Number 1..12 of a month's English name as three bytes, or 0. */
function monthNamed(name: u32): i32 {
  switch (name) {
    case 0x6e614a: return 1
    case 0x626546: return 2
    case 0x72614d: return 3
    case 0x727041: return 4
    case 0x79614d: return 5
    case 0x6e754a: return 6
    case 0x6c754a: return 7
    case 0x677541: return 8
    case 0x706553: return 9
    case 0x74634f: return 10
    case 0x766f4e: return 11
    case 0x636544: return 12
    default: return 0
  }
}
