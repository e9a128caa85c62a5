/** Takes the fields that name a person out of lines, and puts them back: the same bytes again. */
import type { InspectedLine } from '../generators/inspector.js'

/**
 * Lines in two parts. `open` holds the lines without their personal fields; `sealed` what was taken out: of each line three
 * numbers (LEB128) and the bytes. They are: bytes at the line's beginning (the address), bytes that stay in between, bytes
 * after these (the user).
 */
export interface Parted {
  readonly open: Uint8Array
  readonly sealed: Uint8Array
}

/** A number of 32 bits takes at most so many bytes. */
const mostNumberBytes = 5

/**
 * What is no record, or of the JSON format, is taken out whole: where such a line names a person is not known.
 * @param told of every line of `lines`, in order, as an Inspector tells
 */
export function part(lines: Uint8Array, told: readonly InspectedLine[]): Parted {
  const open = new Uint8Array(lines.length)
  const sealed = new Uint8Array(lines.length + told.length * 3 * mostNumberBytes)
  let openAt = 0
  let sealedAt = 0
  const number = (value: number) => {
    let rest = value
    while (rest >= 0x80) {
      sealed[sealedAt++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    sealed[sealedAt++] = rest
  }
  const take = (from: number, to: number) => {
    sealed.set(lines.subarray(from, to), sealedAt)
    sealedAt += to - from
  }
  const leave = (from: number, to: number) => {
    open.set(lines.subarray(from, to), openAt)
    openAt += to - from
  }
  for (const { at, bytes, addressBytes, userAt, userBytes } of told) {
    // The newline stays, so that the open part has as many lines.
    const end = at + bytes - 1
    const first = addressBytes === 0 ? bytes - 1 : addressBytes
    const between = addressBytes === 0 || userBytes === 0 ? 0 : userAt - addressBytes
    const second = addressBytes === 0 ? 0 : userBytes
    number(first)
    number(between)
    number(second)
    take(at, at + first)
    leave(at + first, at + first + between)
    take(at + first + between, at + first + between + second)
    leave(at + first + between + second, end + 1)
  }
  return { open: open.subarray(0, openAt), sealed: sealed.subarray(0, sealedAt) }
}

/**
 * The lines as they were.
 * @throws RangeError when the two do not belong together
 */
export function join({ open, sealed }: Parted): Uint8Array {
  const lines = new Uint8Array(open.length + sealed.length)
  let at = 0
  let openAt = 0
  let sealedAt = 0
  const number = (): number => {
    let value = 0
    for (let shift = 0; shift < 7 * mostNumberBytes; shift += 7) {
      const byte = sealed[sealedAt++]
      if (byte === undefined) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new RangeError('the sealed part ends within a number')
  }
  const copy = (from: Uint8Array, begin: number, bytes: number): number => {
    if (begin + bytes > from.length) throw new RangeError('the two parts of the lines do not belong together')
    lines.set(from.subarray(begin, begin + bytes), at)
    at += bytes
    return begin + bytes
  }
  while (sealedAt < sealed.length) {
    const [first, between, second] = [number(), number(), number()]
    sealedAt = copy(sealed, sealedAt, first)
    openAt = copy(open, openAt, between)
    sealedAt = copy(sealed, sealedAt, second)
    const end = open.indexOf(10, openAt) + 1
    if (end === 0) throw new RangeError('the two parts of the lines do not belong together')
    openAt = copy(open, openAt, end - openAt)
  }
  if (openAt !== open.length) throw new RangeError('the two parts of the lines do not belong together')
  return lines.subarray(0, at)
}
