/** The named questions answered in plain TypeScript from the lines themselves: what the stores' answers are checked against. */
import type { Format } from '../../generators/record.js'
import type { HitStep, Hits, LatestLine, Logins, Page, StatusCount, TimeSpan, Top, TopField } from '../../stores/analytics.js'
import type { Row } from '../../stores/store.js'
import { readLine } from '../../targets/row-at-a-time/line.js'

/** Records of these lines, the rejected ones left out. */
export function recordsOf(lines: readonly string[], source: number, first: number, format: Format): Row[] {
  return lines.flatMap((line, i) => {
    const reading = readLine(Buffer.from(line), format)
    return 'row' in reading ? [{ source, position: first + i, ...reading.row }] : []
  })
}

export class Reference {
  constructor(private readonly rows: readonly Row[]) {}

  hits(span: TimeSpan, step: HitStep, page: Page): Hits[] {
    const length = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[step]
    const groups = groupBy(this.within(span), (row) => Math.floor(timeOf(row) / length) * length)
    const all = [...groups].map(([atMs, rows]) => ({ atMs, hits: rows.length, bytes: sum(rows) }))
    return cut(
      all.sort((a, b) => a.atMs - b.atMs),
      page,
    )
  }

  top(field: TopField, span: TimeSpan, page: Page): Top[] {
    const value = {
      path: (row: Row) => row.path,
      address: (row: Row) => textOf(numberOf(row.remoteAddr)),
      agent: (row: Row) => row.userAgent,
    }[field]
    const all = [...groupBy(this.within(span), value)].map(([value, rows]) => ({ value, hits: rows.length, bytes: sum(rows) }))
    const order = field === 'address' ? (a: string, b: string) => byNumber(numberOf(a), numberOf(b)) : byBytes
    return cut(
      all.sort((a, b) => b.hits - a.hits || nullsLast(a.value, b.value, order)),
      page,
    )
  }

  statuses(span: TimeSpan): StatusCount[] {
    const all = [...groupBy(this.within(span), ({ status }) => status)].map(([status, rows]) => ({ status, hits: rows.length }))
    return all.sort((a, b) => a.status - b.status)
  }

  visitors(span: TimeSpan): number {
    return groupBy(this.within(span), visitorOf).size
  }

  latest(address: string, span: TimeSpan, page: Page): LatestLine[] {
    const found = this.within(span).filter((row) => numberOf(row.remoteAddr) === numberOf(address))
    return cut(found.sort(byTime).reverse(), page).map((row) => ({
      source: row.source,
      position: row.position,
      createdAtMs: timeOf(row),
      method: row.method,
      path: row.path,
      protocol: row.protocol,
      status: row.status,
      bytes: row.bytes,
      referrer: row.referrer,
      userAgent: row.userAgent,
      user: row.remoteUser === '' ? null : row.remoteUser,
    }))
  }

  logins(span: TimeSpan, page: Page): Logins[] {
    const visits = groupBy(this.rows, visitorOf)
    for (const rows of visits.values()) rows.sort(byTime)
    const attempts = this.within(span).filter(({ method, path }) => method === 'POST' && /^\/login(?:\?.*)?$/s.test(path))
    const keyed = groupBy(attempts, (attempt) => {
      const visit = visits.get(visitorOf(attempt)) ?? []
      const named = visit.slice(visit.indexOf(attempt)).find(({ remoteUser }) => remoteUser !== null && remoteUser !== '')
      const user = named !== undefined && timeOf(named) - timeOf(attempt) < 86_400_000 ? named.remoteUser : null
      return JSON.stringify([user, networkOf(attempt.remoteAddr)])
    })
    const all = [...keyed].map(([key, rows]) => {
      const [user, location] = JSON.parse(key) as [string | null, string]
      const failures = rows.filter(({ status }) => status >= 400).length
      return { user, location, logins: rows.length, failures, lastMs: Math.max(...rows.map(timeOf)) }
    })
    const start = ({ location }: Logins) => numberOf(location.slice(0, location.indexOf('/')))
    return cut(
      all.sort((a, b) => b.logins - a.logins || nullsLast(a.user, b.user, byBytes) || byNumber(start(a), start(b))),
      page,
    )
  }

  private within({ fromMs, toMs }: TimeSpan): Row[] {
    return this.rows.filter((row) => timeOf(row) >= (fromMs ?? -Infinity) && timeOf(row) < (toMs ?? Infinity))
  }
}

function timeOf({ createdAt }: Row): number {
  return Date.parse(createdAt)
}

function byTime(a: Row, b: Row): number {
  return timeOf(a) - timeOf(b) || a.source - b.source || a.position - b.position
}

function visitorOf({ remoteAddr, userAgent }: Row): string {
  return JSON.stringify([textOf(numberOf(remoteAddr)), userAgent])
}

function sum(rows: readonly Row[]): number | bigint {
  const total = rows.reduce((sum, { bytes }) => sum + BigInt(bytes ?? 0), 0n)
  return total <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(total) : total
}

function groupBy<K>(rows: readonly Row[], key: (row: Row) => K): Map<K, Row[]> {
  const groups = new Map<K, Row[]>()
  for (const row of rows) {
    const group = groups.get(key(row))
    if (group === undefined) groups.set(key(row), [row])
    else group.push(row)
  }
  return groups
}

function cut<T>(all: readonly T[], { limit, offset }: Page): T[] {
  return all.slice(offset, offset + limit)
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function byNumber(a: bigint, b: bigint): number {
  const [v4, other] = [a >> 32n === mapped, b >> 32n === mapped]
  if (v4 !== other) return v4 ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

function nullsLast(a: string | null, b: string | null, order: (a: string, b: string) => number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return order(a, b)
}

const mapped = 0xffffn

const numbers = new Map<string, bigint>()

/** An address as 128 bits, IPv4 as the IPv6 address that it is mapped to. */
function numberOf(address: string): bigint {
  const known = numbers.get(address) ?? parse(address)
  numbers.set(address, known)
  return known
}

function parse(address: string): bigint {
  const dotted = /^(.*?)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  if (dotted?.[1] === '') return (mapped << 32n) | BigInt(dotted.slice(2).reduce((sum, part) => sum * 256 + Number(part), 0))
  const [a = 0, b = 0, c = 0, d = 0] = dotted?.slice(2).map(Number) ?? []
  const text = dotted === null ? address : `${dotted[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  const [left = '', right] = text.split('::')
  const parts = (side: string | undefined) => (side ? side.split(':') : [])
  const zeros = Array.from({ length: 8 - parts(left).length - parts(right).length }, () => '0')
  return [...parts(left), ...zeros, ...parts(right)].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n)
}

/** RFC 5952; the first of the longest runs of two or more zeros is left out. */
function textOf(number: bigint): string {
  if (number >> 32n === mapped) return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((number >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  for (let length = 8; length >= 2; length--) {
    for (let at = 0; at + length <= 8; at++) {
      if (groups.slice(at, at + length).every((group) => group === '0'))
        return `${groups.slice(0, at).join(':')}::${groups.slice(at + length).join(':')}`
    }
  }
  return groups.join(':')
}

function networkOf(address: string): string {
  const number = numberOf(address)
  return number >> 32n === mapped ? `${textOf((number >> 16n) << 16n)}/16` : `${textOf((number >> 96n) << 96n)}/32`
}
