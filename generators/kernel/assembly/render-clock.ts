// The time of a record: a monotone function of its position whose rate follows the time of day, in integers only.

import { put, putDecimal, putPadded } from './render-text'

// Relative traffic of the 24 hours, UTC; they add up to WEIGHTS.
const hours = memory.data<u32>([
  118, 102, 92, 88, 92, 104, 126, 152, 180, 204, 216, 220, 216, 214, 218, 222, 220, 212, 204, 200, 196, 184, 162, 138,
])
const WEIGHTS: i64 = 4080
/** A day's traffic is `perDay * UNITS` units: a record is UNITS of them, so nothing is ever rounded before the last step. */
const UNITS: i64 = WEIGHTS * 3600

/** Units that have flowed when a second of the day begins. */
function unitsAt(second: i64, perDay: i64): i64 {
  const hour = second / 3600
  let sum: i64 = 0
  for (let h: i64 = 0; h < hour; h++) sum += <i64>load<u32>(hours + ((<usize>h) << 2))
  const weight = hour < 24 ? <i64>load<u32>(hours + ((<usize>hour) << 2)) : 0
  return perDay * (sum * 3600 + weight * (second % 3600))
}

/** The second of the day in which the given units have flowed. */
function secondAt(units: i64, perDay: i64): i64 {
  let before: i64 = 0
  for (let h: i64 = 0; h < 24; h++) {
    const weight = <i64>load<u32>(hours + ((<usize>h) << 2))
    const after = before + weight * 3600 * perDay
    if (units < after) return h * 3600 + (units - before) / (weight * perDay)
    before = after
  }
  return 86399
}

function floorDiv(a: i64, b: i64): i64 {
  const q = a / b
  return q * b > a ? q - 1 : q
}

/**
 * Second since the epoch in which record `position` falls, when record 0 falls into `startSecond` and a day has
 * `perDay` records (1 to 10^11).
 */
export function recordSecond(startSecond: i64, perDay: i64, position: i64): i64 {
  const startDay = floorDiv(startSecond, 86400)
  const offset = unitsAt(startSecond - startDay * 86400, perDay)
  let day = startDay + position / perDay
  let units = offset + (position % perDay) * UNITS
  if (units >= perDay * UNITS) {
    units -= perDay * UNITS
    day++
  }
  return day * 86400 + secondAt(units, perDay)
}

/** First position whose second is later than `second`, which must be at or after `startSecond`. */
export function firstAfter(startSecond: i64, perDay: i64, second: i64): i64 {
  const startDay = floorDiv(startSecond, 86400)
  const offset = unitsAt(startSecond - startDay * 86400, perDay)
  const day = floorDiv(second + 1, 86400)
  const units = unitsAt(second + 1 - day * 86400, perDay) - offset
  return (day - startDay) * perDay + (units >= 0 ? (units + UNITS - 1) / UNITS : -(-units / UNITS))
}

// Year, month, day of a day number (Howard Hinnant's civil_from_days).
let year: i64 = 0
let month: i64 = 0
let dayOfMonth: i64 = 0

function civil(days: i64): void {
  const z = days + 719468
  const era = floorDiv(z, 146097)
  const doe = z - era * 146097
  const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365
  const doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
  const mp = (5 * doy + 2) / 153
  dayOfMonth = doy - (153 * mp + 2) / 5 + 1
  month = mp < 10 ? mp + 3 : mp - 9
  year = yoe + era * 400 + (month <= 2 ? 1 : 0)
}

const names = 'JanFebMarAprMayJunJulAugSepOctNovDec'

function putClock(dst: usize, second: i64): usize {
  dst = putPadded(dst, <u32>(second / 3600), 2)
  store<u8>(dst++, 58)
  dst = putPadded(dst, <u32>((second / 60) % 60), 2)
  store<u8>(dst++, 58)
  return putPadded(dst, <u32>(second % 60), 2)
}

/** 01/Jan/2026:00:00:00 +0000 */
export function putLogTime(dst: usize, at: i64): usize {
  const day = floorDiv(at, 86400)
  civil(day)
  dst = putPadded(dst, <u32>dayOfMonth, 2)
  store<u8>(dst++, 47)
  for (let i: usize = 0; i < 3; i++) store<u8>(dst++, load<u8>(changetype<usize>(names) + ((<usize>(month - 1) * 3 + i) << 1)))
  store<u8>(dst++, 47)
  dst = putDecimal(dst, <u64>year)
  store<u8>(dst++, 58)
  dst = putClock(dst, at - day * 86400)
  return put(dst, ' +0000')
}

/** 2026-01-01T00:00:00+00:00 */
export function putIsoTime(dst: usize, at: i64): usize {
  const day = floorDiv(at, 86400)
  civil(day)
  dst = putDecimal(dst, <u64>year)
  store<u8>(dst++, 45)
  dst = putPadded(dst, <u32>month, 2)
  store<u8>(dst++, 45)
  dst = putPadded(dst, <u32>dayOfMonth, 2)
  store<u8>(dst++, 84)
  dst = putClock(dst, at - day * 86400)
  return put(dst, '+00:00')
}

/** The second in which the month of a second begins. */
export function monthStart(at: i64): i64 {
  const day = floorDiv(at, 86400)
  civil(day)
  return (day - dayOfMonth + 1) * 86400
}
