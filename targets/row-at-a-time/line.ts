/** Reads one line the way the published system did, with a regular expression; it accepts and rejects exactly what the kernel does. */
import { isAscii, isUtf8 } from 'node:buffer'
import { isIPv4, isIPv6 } from 'node:net'
import { type Format, maxLineBytes, type RejectReason } from '../../generators/record.js'
import type { Row } from '../../stores/store.js'
import { readJson } from './json-line.js'

/** A line's fields, or why it has none. */
export type Reading = { readonly row: Omit<Row, 'source' | 'position'> } | { readonly reason: RejectReason }

/** Text between quotes in which a backslash protects whatever follows. */
const quoted = '"([^"\\\\]*(?:\\\\.[^"\\\\]*)*)"'
/** Up to the first bracket that has a date's length and slashes: a user's name may hold spaces and brackets before it. */
const head = /^([^ ]*) ([^ ]+) (.*?) \[(..\/...\/.{19})\]/s
const combinedTail = new RegExp(` ${quoted} ([1-9]\\d\\d) (-|\\d{1,19}) ${quoted} ${quoted}$`, 'sy')
const commonTail = new RegExp(` ${quoted} ([1-9]\\d\\d) (-|\\d{1,19})$`, 'sy')
const requestAndStatus = new RegExp(` ${quoted} (?:([1-9]\\d\\d) )?`, 'sy')
const logDate = /^(\d{2})\/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/
const isoDate = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:Z|([+-]\d{2}):?(\d{2}))$/
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const largestSize = 9_223_372_036_854_775_807n

/** @param line without its newline */
export function readLine(line: Uint8Array, format: Format): Reading {
  const bytes = line.at(-1) === 13 ? line.subarray(0, -1) : line
  if (bytes.length === 0) return { reason: 'empty line' }
  if (bytes.length > maxLineBytes) return { reason: 'line too long' }
  if (line.includes(0)) return { reason: 'NUL byte' }
  const ascii = isAscii(bytes)
  if (!ascii && !isUtf8(bytes)) return { reason: 'invalid UTF-8' }
  // A character for each byte, so that lengths are those of the log; texts become characters at the very end.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const fields = format === 'json' ? readJson(text) : readText(text, format === 'common')
  return typeof fields === 'string' ? { reason: fields } : toRow(fields)
}

/** What a line says, one character for each byte; undefined where it has no such field. */
export interface Fields {
  readonly address: string
  readonly user: string | undefined
  /** ISO 8601. */
  readonly date: string | undefined
  readonly request: string
  readonly status: string
  readonly size: string
  readonly referrer: string | undefined
  readonly agent: string | undefined
}

function readText(text: string, common: boolean): Fields | RejectReason {
  const start = head.exec(text)
  if (start === null) return whyNoHead(text)
  const [all, address = '', , user, date = ''] = start
  if (!isAddress(address)) return 'bad address'
  const iso = logDateToIso(date)
  if (iso === undefined || !isRealTime(iso)) return 'bad date'
  const tail = common ? commonTail : combinedTail
  tail.lastIndex = all.length
  const rest = tail.exec(text)
  if (rest === null) return whyNoTail(text, all.length, common)
  const [, request = '', status = '', size = '', referrer, agent] = rest
  return { address, user, date: iso, request, status, size, referrer, agent }
}

/** Of several faults, the leftmost names the reason. */
function whyNoHead(text: string): RejectReason {
  const first = text.indexOf(' ')
  if (first < 0) return 'truncated or malformed line'
  if (!isAddress(text.slice(0, first))) return 'bad address'
  const second = text.indexOf(' ', first + 1)
  if (second < 0 || second === first + 1) return 'truncated or malformed line'
  return text.includes('[', second + 1) && text.includes(']', second + 1) ? 'bad date' : 'truncated or malformed line'
}

function whyNoTail(text: string, from: number, common: boolean): RejectReason {
  requestAndStatus.lastIndex = from
  const match = requestAndStatus.exec(text)
  if (match === null) return 'truncated or malformed line'
  const rest = text.slice(from + match[0].length)
  if (match[2] === undefined) return rest.includes(' ') ? 'bad status' : 'truncated or malformed line'
  const size = /^(?:-|\d+)/.exec(rest)?.[0]
  const after = size === undefined || !isSize(size) ? undefined : rest.slice(size.length)
  if (common) return rest === '' || after?.startsWith(' ') ? 'truncated or malformed line' : 'bad size'
  if (after?.startsWith(' ')) return 'truncated or malformed line'
  return rest.includes(' ') ? 'bad size' : 'truncated or malformed line'
}

function toRow({ address, user, date, request, status, size, referrer, agent }: Fields): Reading {
  if (!isAddress(address)) return { reason: 'bad address' }
  if (date === undefined || !isRealTime(date)) return { reason: 'bad date' }
  if (!/^[1-9]\d\d$/.test(status)) return { reason: 'bad status' }
  if (!isSize(size)) return { reason: 'bad size' }
  return {
    row: {
      createdAt: date,
      remoteAddr: address,
      remoteUser: textOrNull(user),
      ...splitRequest(request),
      status: Number(status),
      bytes: size === '-' ? null : exact(size),
      referrer: textOrNull(referrer),
      userAgent: textOrNull(agent),
    },
  }
}

function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'))
}

/** '-' or a number that fits into 63 bits. */
function isSize(text: string): boolean {
  return text === '-' || (/^\d{1,19}$/.test(text) && (text.length < 19 || BigInt(text) <= largestSize))
}

function exact(digits: string): number | bigint {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : BigInt(digits)
}

function characters(text: string): string {
  return /[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString() : text
}

function textOrNull(text: string | undefined): string | null {
  return text === undefined || text === '-' ? null : characters(text)
}

function logDateToIso(date: string): string | undefined {
  const match = logDate.exec(date)
  if (match === null) return undefined
  const [, day = '', month = '', year = '', time = '', offsetHours = '', offsetMinutes = ''] = match
  return `${year}-${String(months.indexOf(month) + 1).padStart(2, '0')}-${day}T${time}${offsetHours}:${offsetMinutes}`
}

/** True for a time that the calendar has, within the years that partitions are made for, here and in UTC. */
function isRealTime(iso: string): boolean {
  const match = isoDate.exec(iso)
  if (match === null) return false
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const [, , , , , , , offsetHours = '+00', offsetMinutes = '00'] = match
  const date = new Date(Date.UTC(year, month - 1, day))
  if (year < 1970 || year > 2099 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return false
  if (hour > 23 || minute > 59 || second > 59 || Math.abs(Number(offsetHours)) > 15 || Number(offsetMinutes) > 59) return false
  const utc = new Date(
    date.getTime() + ((hour - Number(offsetHours)) * 60 + minute - Number(`${offsetHours[0]}${offsetMinutes}`)) * 60_000,
  ).getUTCFullYear()
  return utc >= 1970 && utc <= 2099
}

/** 'METHOD path PROTOCOL', 'METHOD path' (HTTP/0.9), or whatever a broken client sent, which is kept as the path. */
function splitRequest(request: string): Pick<Row, 'method' | 'path' | 'protocol'> {
  const [, method = '', path = request, protocol = ''] = /^([^ ]+) (.+?)(?: (HTTP\/[^ ]*))?$/s.exec(request) ?? []
  return { method: characters(method), path: characters(path), protocol: characters(protocol) }
}
