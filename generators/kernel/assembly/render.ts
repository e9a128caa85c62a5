// The exports that render a stream: any range of it, byte for byte the same however it is cut.

import { firstAfter, putIsoTime, putLogTime, recordSecond } from './render-clock'
import { initPowers, mix, put } from './render-text'
import { lateSecond } from './render-late'
import { initHot, initWeb, setHot, setTimeBytes, startWeb, step, timeText } from './web-sessions'
import { JSON_LINES } from './web-site'

/** Records whose simulation hangs together; each block starts from its number alone. */
const BLOCK: i64 = 8192
/** More than the longest line and the overhang of the copies behind it. */
const ROOM: usize = 2048
/** Parts the random bits of shaped records from all others. */
const SHAPE: u64 = 0x6c617465686f7421

let format: i32 = -1
let seed: u64 = 0
let startSecond: i64 = 0
let perDay: i64 = 1
let position: i64 = -1
/** First position of the second that comes next, and of the next block. */
let secondEnd: i64 = 0
let blockEnd: i64 = 0
let rendered: i32 = 0
let scratch: usize = 0

/** What `renderShape` asked for: of 2^64, how many records are late or carry the hot value; 0 for a plain stream. */
let lateShare: u64 = 0
let hotShare: u64 = 0

/**
 * Chooses the stream: format 0 combined, 1 common, 2 JSON; the second of record 0 since the epoch; records a day,
 * 1 to 10^11. Rendering continues nowhere: the next call of `render` starts afresh.
 */
export function renderStream(forFormat: i32, forSeed: u64, forStartSecond: i64, forPerDay: i64): void {
  if (scratch == 0) {
    scratch = heap.alloc(2 * ROOM)
    initPowers()
  }
  format = forFormat
  seed = forSeed
  startSecond = forStartSecond
  perDay = forPerDay
  position = -1
  lateShare = 0
  hotShare = 0
  initWeb(format, seed)
  setHot(false)
}

/**
 * Shapes the stream chosen last: shares, of 2^64, of the records that are late and of those that carry one hot value of a
 * key (an index in `partitionKeys`). Which records these are depends on seed and position alone, and nothing else about
 * the stream changes: the same visitors ask for the same things.
 */
export function renderShape(late: u64, hotKey: i32, hot: u64): void {
  position = -1
  lateShare = late
  hotShare = hot
  initHot(hotKey)
}

function tick(): void {
  const second = recordSecond(startSecond, perDay, position)
  secondEnd = firstAfter(startSecond, perDay, second)
  writeTime(second)
}

function writeTime(second: i64): void {
  let dst = timeText
  if (format == JSON_LINES) {
    dst = put(dst, '{"time_iso8601":"')
    dst = putIsoTime(dst, second)
    dst = put(dst, '","remote_addr":"')
  } else {
    dst = putLogTime(dst, second)
    dst = put(dst, '] "')
  }
  setTimeBytes(dst - timeText)
}

function startBlock(): void {
  const block = position / BLOCK
  blockEnd = (block + 1) * BLOCK
  startWeb(mix(mix(seed) ^ <u64>block), scratch)
}

function seek(to: i64): void {
  position = to - (to % BLOCK)
  tick()
  startBlock()
  for (; position < to; position++) step(scratch)
  tick()
}

/** A record of a shaped stream. */
function shaped(dst: usize): usize {
  // Bits of the record's own, apart from its block's sequence, which the plain stream has too.
  const bits = mix(seed ^ mix(<u64>position ^ SHAPE))
  setHot(mix(bits) < hotShare)
  if (bits >= lateShare) return step(dst)
  const second = recordSecond(startSecond, perDay, position)
  writeTime(lateSecond(second, mix(bits ^ SHAPE)))
  const end = step(dst)
  writeTime(second)
  return end
}

/**
 * Renders up to `count` records from `from` on into capacity bytes at `out` and returns how many bytes were written.
 * It stops when another line might not fit; `renderedCount` says how many records there are. Costs a block's simulation
 * at most when `from` is not where the last call ended.
 */
export function render(from: i64, count: i32, out: usize, capacity: i32): i32 {
  if (from != position) seek(from)
  const limit = out + <usize>capacity - ROOM
  let dst = out
  let left = count
  while (left > 0 && dst <= limit) {
    if (position == secondEnd) tick()
    if (position == blockEnd) startBlock()
    let run = <i64>left
    if (secondEnd - position < run) run = secondEnd - position
    if (blockEnd - position < run) run = blockEnd - position
    const first = position
    const end = position + run
    if ((lateShare | hotShare) == 0) {
      while (position < end && dst <= limit) {
        dst = step(dst)
        position++
      }
    } else {
      while (position < end && dst <= limit) {
        dst = shaped(dst)
        position++
      }
    }
    left -= <i32>(position - first)
  }
  rendered = count - left
  return <i32>(dst - out)
}

/** Records that the last call of `render` wrote. */
export function renderedCount(): i32 {
  return rendered
}

/** Second since the epoch of a record of any stream; needs no `renderStream` before. */
export function recordTime(forStartSecond: i64, forPerDay: i64, at: i64): i64 {
  return recordSecond(forStartSecond, forPerDay, at)
}
