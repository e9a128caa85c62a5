/** How values of analytics answers are written, so that every store says the same: addresses, whole numbers, spans of time. */
import { isIPv4, isIPv6 } from 'node:net'
import type { TimeSpan } from './analytics.js'

/** The first second after every record: their years are 1970 to 2099. */
const endOfTime = Date.UTC(2100, 0, 1) / 1000

/** The span in whole seconds, which is what records are dated by; between the beginning and the end of all records. */
export function spanSeconds({ fromMs, toMs }: TimeSpan): { readonly from: number; readonly to: number } {
  const within = (ms: number) => Math.min(Math.max(Math.ceil(ms / 1000), 0), endOfTime)
  return { from: within(fromMs ?? 0), to: within(toMs ?? endOfTime * 1000) }
}

/** Digits as a number, or as a bigint where a number would not be exact. */
export function whole(digits: string): number | bigint {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : BigInt(digits)
}

/** True for an IPv4 or IPv6 address without a zone. */
export function isAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'))
}

/**
 * The one form of an address: IPv4 dotted, IPv6 by RFC 5952, and the IPv6 address that an IPv4 address is mapped to as that.
 * @throws TypeError for what is no address
 */
export function canonicalAddress(text: string): string {
  if (isIPv4(text)) return text
  if (!isAddress(text)) throw new TypeError(`"${text}" is no address`)
  // The URL standard's serializer is RFC 5952 but for section 5, dotted tails, which concerns mapped addresses.
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (mapped === null) return address
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The one form of a network, 'address/bits'. */
export function canonicalNetwork(address: string, v4Bits: number, v6Bits: number): string {
  const canonical = canonicalAddress(address)
  return `${canonical}/${isIPv4(canonical) ? v4Bits : v6Bits}`
}
