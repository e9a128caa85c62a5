/** Reads one line the way the published system did, with a regular expression; it accepts and rejects exactly what the kernel does. */
import { isIPv4, isIPv6 } from 'node:net'
import { type Format, maxLineBytes, type RejectReason } from '../../generators/record.js'
import type { Row } from '../../stores/store.js'

/** A line's fields, or why it has none. */
export type Reading = { readonly row: Omit<Row, 'source' | 'position'> } | { readonly reason: RejectReason }

/** Text between quotes in which a backslash protects whatever follows. */
const quoted = '"((?:[^"\\\\]|\\\\.)*)"'
const head = '^(\\S+) \\S+ (.*?) \\[([^\\]]*)\\] '
const combined = new RegExp(`${head}${quoted} (\\S+) (\\S+) ${quoted} ${quoted}$`, 's')
const common = new RegExp(`${head}${quoted} (\\S+) (\\S+)$`, 's')
const logDate = /^(\d{2})\/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/
const isoDate = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:Z|([+-])(\d{2}):?(\d{2}))$/
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const malformed: Reading = { reason: 'truncated or malformed line' }

/** @param line without its newline */
export function readLine(line: Uint8Array, format: Format): Reading {
  const bytes = line.at(-1) === 13 ? line.subarray(0, -1) : line
  if (bytes.length === 0) return { reason: 'empty line' }
  if (bytes.length > maxLineBytes) return { reason: 'line too long' }
  if (bytes.includes(0)) return { reason: 'NUL byte' }
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { reason: 'invalid UTF-8' }
  }
  return format === 'json' ? readJson(text) : readText(text, format)
}

function readText(text: string, format: 'combined' | 'common'): Reading {
  const match = (format === 'combined' ? combined : common).exec(text)
  if (match === null) return malformed
  const [, address = '', user = '', date = '', request = '', status = '', bytes = '', referrer, agent] = match
  return toRow(address, user === '-' ? null : user, logDateToIso(date), request, status, bytes, referrer, agent)
}

interface JsonLine {
  readonly [key: string]: unknown
}

function readJson(text: string): Reading {
  let line: JsonLine
  try {
    line = JSON.parse(text) as JsonLine
  } catch {
    return malformed
  }
  if (typeof line !== 'object' || line === null) return malformed
  const field = (name: string) => (typeof line[name] === 'string' || typeof line[name] === 'number' ? String(line[name]) : '')
  const date = isoDate.test(field('time_iso8601')) ? field('time_iso8601') : undefined
  const user = field('remote_user')
  return toRow(
    field('remote_addr'),
    user === '' ? null : user,
    date,
    field('request'),
    field('status'),
    field('body_bytes_sent'),
    field('http_referer') || undefined,
    field('http_user_agent') || undefined,
  )
}

function toRow(
  address: string,
  user: string | null,
  date: string | undefined,
  request: string,
  status: string,
  bytes: string,
  referrer: string | undefined,
  agent: string | undefined,
): Reading {
  if (!isIPv4(address) && !(isIPv6(address) && !address.includes('%'))) return { reason: 'bad address' }
  if (date === undefined || !isRealTime(date)) return { reason: 'bad date' }
  if (!/^[1-9]\d\d$/.test(status)) return { reason: 'bad status' }
  if (bytes !== '-' && !/^\d{1,18}$/.test(bytes)) return { reason: 'bad size' }
  return {
    row: {
      createdAt: date,
      remoteAddr: address,
      remoteUser: user,
      ...splitRequest(request),
      status: Number(status),
      bytes: bytes === '-' ? null : Number(bytes),
      referrer: referrer === undefined || referrer === '-' ? null : referrer,
      userAgent: agent === undefined || agent === '-' ? null : agent,
    },
  }
}

function logDateToIso(date: string): string | undefined {
  const match = logDate.exec(date)
  if (match === null) return undefined
  const [, day = '', month = '', year = '', hour = '', minute = '', second = '', sign = '', offsetHour = '', offsetMinute = ''] = match
  return `${year}-${String(months.indexOf(month) + 1).padStart(2, '0')}-${day}T${hour}:${minute}:${second}${sign}${offsetHour}:${offsetMinute}`
}

/** True for a time that the calendar has, within the years that partitions are made for. */
function isRealTime(iso: string): boolean {
  const match = isoDate.exec(iso)
  if (match === null) return false
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const date = new Date(Date.UTC(year, month - 1, day))
  return (
    year >= 1970 &&
    year <= 2099 &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60 &&
    Number(match[8] ?? 0) < 24 &&
    Number(match[9] ?? 0) < 60
  )
}

/** 'METHOD path PROTOCOL', 'METHOD path' (HTTP/0.9), or whatever a broken client sent, which is kept as the path. */
function splitRequest(request: string): Pick<Row, 'method' | 'path' | 'protocol'> {
  const first = request.indexOf(' ')
  if (first <= 0) return { method: '', path: request, protocol: '' }
  const last = request.lastIndexOf(' ')
  if (last > first && request.startsWith('HTTP/', last + 1)) {
    return { method: request.slice(0, first), path: request.slice(first + 1, last), protocol: request.slice(last + 1) }
  }
  return { method: request.slice(0, first), path: request.slice(first + 1), protocol: '' }
}
