/** Counts what is distinct in a stream of any length, in bounded memory. */
import { Renderer } from '../generators/renderer.js'
import type { StreamSpec } from '../generators/source.js'

export interface Growth {
  readonly records: number
  readonly addresses: number
  readonly requests: number
  readonly agents: number
  readonly referrers: number
}

/** Fields of a line in combined format: from the byte after `open` to the byte before `close`. */
const space = 32
const quote = 34

/**
 * Distinct addresses, requests, agents and referrers among the first N records, for each N, ascending.
 * Estimated by linear counting (Whang, Vander-Zanden, Taylor 1990) on 2^28 bits: within 0.1% up to 50 million.
 */
export function growth(spec: StreamSpec, lengths: readonly number[]): readonly Growth[] {
  const renderer = new Renderer(spec)
  const addresses = new LinearCounter(28)
  const requests = new LinearCounter(28)
  const agents = new LinearCounter(20)
  const referrers = new LinearCounter(26)
  const grown: Growth[] = []
  let position = 0
  for (const length of lengths) {
    while (position < length) {
      const { bytes, count } = renderer.render(position, length - position)
      position += count
      for (let at = 0; at < bytes.length; ) {
        at = addresses.add(bytes, at, space)
        at = requests.add(bytes, bytes.indexOf(quote, at) + 1, quote)
        at = referrers.add(bytes, bytes.indexOf(quote, at) + 1, quote)
        at = agents.add(bytes, bytes.indexOf(quote, at) + 1, quote) + 1
      }
    }
    grown.push({
      records: length,
      addresses: addresses.estimate(),
      requests: requests.estimate(),
      agents: agents.estimate(),
      referrers: referrers.estimate(),
    })
  }
  return grown
}

class LinearCounter {
  private readonly bits: Uint8Array
  private empty: number

  constructor(private readonly log2: number) {
    this.empty = 2 ** log2
    this.bits = new Uint8Array(this.empty / 8)
  }

  /** Adds the bytes from `from` up to the next `end`, and returns the position after that. */
  add(bytes: Uint8Array, from: number, end: number): number {
    let hash = 0x811c9dc5
    let at = from
    for (; bytes[at] !== end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
    hash = (hash ^ (hash >>> 15)) >>> (32 - this.log2)
    const mask = 1 << (hash & 7)
    const byte = this.bits[hash >>> 3] ?? 0
    if ((byte & mask) === 0) {
      this.bits[hash >>> 3] = byte | mask
      this.empty--
    }
    return at + 1
  }

  estimate(): number {
    const size = 2 ** this.log2
    return Math.round(-size * Math.log(this.empty / size))
  }
}
