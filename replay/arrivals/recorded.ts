/** The arrivals of a real log: its own time stamps, at a multiple of its own speed. */
import type { Source } from '../../generators/source.js'
import type { Arrivals } from './arrivals.js'

/** Lines that are read at once. */
const linesAtOnce = 4096
const newline = 10

/** The seconds of a log in which lines were written, in order. */
export interface Timetable {
  /** Number of the first line of each such second. */
  readonly firstLine: readonly number[]
  /** Those seconds, since the epoch. */
  readonly second: readonly number[]
  readonly lines: number
}

/** A log whose times cannot be followed. */
export class TimetableError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TimetableError'
  }
}

/**
 * Reads the time stamps of the first `records` lines. Memory: two numbers for each second in which there is a line. A line that has no
 * time, or one before that of an earlier line, counts to the second of the line before it: a server writes a line when
 * the answer has gone out.
 * @throws TimetableError when no line has a time
 */
export async function timetableOf(source: Source, records = Number.POSITIVE_INFINITY): Promise<Timetable> {
  const firstLine: number[] = []
  const second: number[] = []
  const cursor = await source.open(0)
  let line = 0
  try {
    while (line < records) {
      const made = await cursor.next(Math.min(linesAtOnce, records - line))
      if (made === undefined) break
      for (let start = 0; start < made.lines.length; line++) {
        const end = made.lines.indexOf(newline, start)
        const at = secondOf(made.lines, start, end)
        if (at !== undefined && at > (second.at(-1) ?? Number.NEGATIVE_INFINITY)) {
          // Lines before the first that has a time belong to its second.
          firstLine.push(second.length === 0 ? 0 : line)
          second.push(at)
        }
        start = end + 1
      }
    }
  } finally {
    await cursor.close()
  }
  if (second.length === 0) throw new TimetableError('no line has a time that arrivals could follow')
  return { firstLine, second, lines: line }
}

const decoder = new TextDecoder('latin1')
const months: Readonly<Record<string, number>> = {
  Jan: 0,
  Feb: 1,
  Mar: 2,
  Apr: 3,
  May: 4,
  Jun: 5,
  Jul: 6,
  Aug: 7,
  Sep: 8,
  Oct: 9,
  Nov: 10,
  Dec: 11,
}

/** The time of a line in seconds: that of common and combined between its brackets, or the first ISO time of a JSON line. */
function secondOf(lines: Uint8Array, start: number, end: number): number | undefined {
  // The time comes early in a line: after address and users, which are no longer than this in any line that parses.
  const text = decoder.decode(lines.subarray(start, Math.min(end, start + 512)))
  const clf = /\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]/.exec(text)
  if (clf !== null) {
    const [, day, month = '', year, hour, minute, sec, sign, offHours, offMinutes] = clf
    const number = months[month]
    if (number === undefined) return undefined
    const offset = (Number(offHours) * 60 + Number(offMinutes)) * 60 * (sign === '-' ? -1 : 1)
    return Date.UTC(Number(year), number, Number(day), Number(hour), Number(minute), Number(sec)) / 1000 - offset
  }
  const iso = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/.exec(text)
  const ms = iso === null ? Number.NaN : Date.parse(iso[0])
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}

/**
 * Due times from a log's own: the lines of a second are spread evenly over it, since logs have whole seconds. After the
 * last second of the log it goes on at the log's mean rate.
 * @param speed how many times as fast as the log, above 0
 * @throws RangeError for a speed that is none
 */
export function recorded({ firstLine, second, lines }: Timetable, speed: number): Arrivals {
  if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`a speed is a positive number, not ${speed}`)
  const begin = second[0] ?? 0
  const lengthMs = (((second.at(-1) ?? begin) - begin + 1) * 1000) / speed
  const recordsPerSecond = (lines * 1000) / lengthMs
  const dueAt = (index: number): number => {
    if (index >= lines) return lengthMs + ((index - lines) * 1000) / recordsPerSecond
    let [low, high] = [0, firstLine.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((firstLine[middle] ?? 0) <= index) low = middle
      else high = middle - 1
    }
    const first = firstLine[low] ?? 0
    const count = (firstLine[low + 1] ?? lines) - first
    return (((second[low] ?? 0) - begin + (index - first) / count) * 1000) / speed
  }
  return {
    recordsPerSecond,
    even: false,
    dueAt,
    dueBy(elapsedMs) {
      if (elapsedMs < 0) return 0
      // The smallest number whose time has not come.
      let [low, high] = [0, Math.max(lines, Math.ceil(lines + ((elapsedMs - lengthMs) * recordsPerSecond) / 1000) + 2)]
      while (low < high) {
        const middle = Math.floor((low + high) / 2)
        if (dueAt(middle) <= elapsedMs) low = middle + 1
        else high = middle
      }
      return low
    },
  }
}
