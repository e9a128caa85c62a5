// Addresses that can be asked about before anything has arrived.
import * as weir from 'k6/x/weir'

/** Addresses that the stream has from its beginning on. @param {string} seed */
export function knownAddresses(seed) {
  const bytes = new Uint8Array(weir.lines(seed, 0, 500, 'combined'))
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return [...new Set(text.split('\n').map((line) => line.split(' ')[0] || ''))].filter((address) => address !== '').slice(0, 100)
}
