/** Measures how a log in combined format is distributed, so that a generated one can be held against a real one. */
import { gzipSync } from 'node:zlib'

/** Lines that every comparison is made on. */
export const windowLines = 10_000

/** What is compared. Shares are of all lines, 0 to 1. */
export interface Likeness {
  readonly lines: number
  readonly statusClasses: Readonly<Record<string, number>>
  readonly methods: Readonly<Record<string, number>>
  readonly addresses: number
  readonly requests: number
  readonly agents: number
  readonly referrers: number
  /** Share of the lines that the ten commonest have. */
  readonly topAddresses: number
  readonly topRequests: number
  readonly topAgents: number
  readonly meanLineBytes: number
  /** Bytes over bytes as `gzip -6` packs them. */
  readonly gzipRatio: number
}

// The quotes around agent and referrer are the format's own; a quote inside comes escaped.
const combined = /^(\S+) \S+ \S+ \[[^\]]+\] "((\S+)[^"]*)" (\d)\d\d \S+ "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$/

/** Measures whole lines, each ended by a newline. Lines that are not in combined format count for length and packing only. */
export function measure(log: Uint8Array): Likeness {
  const text = Buffer.from(log.buffer, log.byteOffset, log.byteLength).toString('latin1')
  const lines = text.split('\n').filter((line) => line !== '')
  const addresses = new Map<string, number>()
  const requests = new Map<string, number>()
  const agents = new Map<string, number>()
  const referrers = new Map<string, number>()
  const statusClasses = new Map<string, number>()
  const methods = new Map<string, number>()
  for (const line of lines) {
    const [, address = '', request = '', method = '', statusClass = '', referrer = '', agent = ''] = combined.exec(line) ?? []
    if (address === '') continue
    count(addresses, address)
    count(requests, request)
    count(agents, agent)
    count(referrers, referrer)
    count(statusClasses, `${statusClass}xx`)
    count(methods, method)
  }
  const total = lines.length
  const shares = (of: Map<string, number>) => Object.fromEntries([...of].sort().map(([name, n]) => [name, n / total]))
  return {
    lines: total,
    statusClasses: shares(statusClasses),
    methods: shares(methods),
    addresses: addresses.size,
    requests: requests.size,
    agents: agents.size,
    referrers: referrers.size,
    topAddresses: topTen(addresses) / total,
    topRequests: topTen(requests) / total,
    topAgents: topTen(agents) / total,
    meanLineBytes: log.length / total,
    gzipRatio: log.length / gzipSync(log, { level: 6 }).length,
  }
}

function count(of: Map<string, number>, name: string): void {
  of.set(name, (of.get(name) ?? 0) + 1)
}

function topTen(of: Map<string, number>): number {
  const commonest = [...of.values()].sort((a, b) => b - a).slice(0, 10)
  return commonest.reduce((sum, n) => sum + n, 0)
}

export interface Feature {
  readonly name: string
  readonly unit: 'share' | 'count' | 'number'
  readonly value: (likeness: Likeness) => number
}

/** The features that are compared with a log: its own status classes and methods, and what every log has. */
export function features(real: Likeness): readonly Feature[] {
  const shares = (kind: 'statusClasses' | 'methods', what: string): Feature[] =>
    Object.keys(real[kind]).map((name) => ({ name: `${what} ${name}`, unit: 'share', value: (likeness) => likeness[kind][name] ?? 0 }))
  return [
    ...shares('statusClasses', 'status'),
    ...shares('methods', 'method'),
    { name: 'distinct addresses', unit: 'count', value: (likeness) => likeness.addresses },
    { name: 'distinct requests', unit: 'count', value: (likeness) => likeness.requests },
    { name: 'distinct agents', unit: 'count', value: (likeness) => likeness.agents },
    { name: 'distinct referrers', unit: 'count', value: (likeness) => likeness.referrers },
    { name: 'ten commonest addresses', unit: 'share', value: (likeness) => likeness.topAddresses },
    { name: 'ten commonest requests', unit: 'share', value: (likeness) => likeness.topRequests },
    { name: 'ten commonest agents', unit: 'share', value: (likeness) => likeness.topAgents },
    { name: 'mean line, bytes', unit: 'number', value: (likeness) => likeness.meanLineBytes },
    { name: 'gzip -6 ratio', unit: 'number', value: (likeness) => likeness.gzipRatio },
  ]
}

/** How far a generated value may be from the real one. */
export const tolerance = 0.25

/** Whether a feature is near enough. A share that is below 1% in the real log is left aside, as long as it stays below 2%. */
export function isNear(feature: Feature, real: Likeness, generated: Likeness): boolean {
  const expected = feature.value(real)
  const actual = feature.value(generated)
  if (feature.unit === 'share' && expected < 0.01) return actual < 0.02
  return Math.abs(actual - expected) <= tolerance * expected
}
