/** Reads the quantities that people write (counts, sizes, durations, rates, shares, dates): each either a value or an error that says what is accepted. */
import type { Length } from '../replay/plan.js'
import { UsageError } from './errors.js'

const countUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 }
const byteUnits: Readonly<Record<string, number>> = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, min: 60e3, h: 3600e3 }

/** Digits, in groups of three if underscores part them, with decimals and a unit. */
const pattern = /^(\d{1,3}(?:_\d{3})+|\d+)(\.\d+)?\s?([a-zA-Z]*)$/

interface Amount {
  readonly number: number
  readonly unit: string
}

function amount(text: string): Amount | undefined {
  const match = pattern.exec(text.trim())
  if (!match) return undefined
  return { number: Number(`${(match[1] ?? '').replaceAll('_', '')}${match[2] ?? ''}`), unit: match[3] ?? '' }
}

function reject(text: string, what: string, accepted: string): never {
  throw new UsageError(`"${text}" is not ${what}; write ${accepted}`)
}

/** Multiplies out a unit; a value must come to a whole number, within what a JavaScript number holds exactly. */
function whole(text: string, units: Readonly<Record<string, number>>, what: string, accepted: string): number {
  const found = amount(text)
  if (!found) return reject(text, /^-/.test(text) ? what : 'a number', accepted)
  const factor = Object.hasOwn(units, found.unit) ? units[found.unit] : undefined
  if (factor === undefined) throw new UsageError(`"${text}" has an unknown unit "${found.unit}"; write ${accepted}`)
  const value = found.number * factor
  const rounded = Math.round(value)
  if (Math.abs(value - rounded) > 1e-6 * Math.max(1, value)) throw new UsageError(`"${text}" is not a whole number; write ${accepted}`)
  if (!Number.isSafeInteger(rounded)) throw new UsageError(`"${text}" is too large: at most ${Number.MAX_SAFE_INTEGER}`)
  return rounded
}

function atLeast(value: number, min: number, text: string): number {
  if (value < min) throw new UsageError(`"${text}" is too small: at least ${min}`)
  return value
}

const countForms = 'a count such as 5000, 250_000, 50k or 1.5M'

/** A number of things, 0 or more: 5000, 250_000, 50k, 1.5M, 2G. */
export function parseCount(text: string): number {
  return whole(text, countUnits, 'a count', countForms)
}

/** A number of things, 1 or more. */
export function parsePositiveCount(text: string): number {
  return atLeast(parseCount(text), 1, text)
}

/** Bytes: a plain number, or decimal kB, MB, GB, TB. */
export function parseBytes(text: string): number {
  return whole(text, { ...byteUnits, '': 1 }, 'a size', 'bytes such as 65536, 64kB or 1.5MB')
}

/** Longer ones than this no timer of Node keeps: it would go off at once. */
const longestMs = 2 ** 31 - 1

function timed(value: number, text: string): number {
  if (value > longestMs) throw new UsageError(`"${text}" is too long: at most 596h`)
  return value
}

/** Milliseconds from 500ms, 30s, 5m or 1h; the unit is required. */
export function parseDuration(text: string): number {
  return timed(atLeast(whole(text, durationUnits, 'a duration', 'a duration such as 500ms, 30s, 5m or 1h'), 1, text), text)
}

/** Milliseconds; a plain number is milliseconds already. */
export function parseMilliseconds(text: string): number {
  return timed(whole(text, { ...durationUnits, '': 1 }, 'a duration', 'milliseconds such as 250, or 500ms, 30s, 3m'), text)
}

/** Records per second: 5000, 50k, 1.5M, with or without /s. */
export function parseRate(text: string): number {
  return atLeast(whole(text.replace(/\/s$/, ''), countUnits, 'a rate', 'records per second such as 5000, 50k or 1.5M'), 1, text)
}

const lengthForms = 'a count (1M, 250_000) or a size (500MB, 10GB, 1TB)'

/** A count of records (k, M, G) or of bytes (MB, GB, TB: the B makes the difference). */
export function parseLength(text: string): Exclude<Length, { kind: 'duration' }> {
  const found = amount(text)
  if (!found) return reject(text, 'a number', lengthForms)
  if (Object.hasOwn(byteUnits, found.unit)) {
    return { kind: 'bytes', bytes: atLeast(whole(text, byteUnits, 'a size', lengthForms), 1, text) }
  }
  return { kind: 'records', records: atLeast(whole(text, countUnits, 'a count', lengthForms), 1, text) }
}

export interface Segment {
  /** From 1. */
  readonly index: number
  readonly of: number
}

/** Share i of n, numbered from 1: 3/64. */
export function parseSegment(text: string): Segment {
  const match = /^(\d{1,9})\/(\d{1,9})$/.exec(text.trim())
  const index = Number(match?.[1])
  const of = Number(match?.[2])
  if (!match || of < 1) return reject(text, 'a segment', 'i/n, such as 3/64 for the third of 64')
  if (index < 1 || index > of) throw new UsageError(`"${text}" is no segment: segments of ${of} are numbered from 1 to ${of}`)
  return { index, of }
}

/** A share as a number from 0 to 1: 5%, 2.5% or 0.05; more than nothing and less than all. */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s?(%?)$/.exec(text.trim())
  if (!match) return reject(text, 'a share', 'a percentage such as 5% or a number such as 0.05')
  const share = Number(match[1]) / (match[2] === '%' ? 100 : 1)
  if (!(share > 0 && share < 1)) {
    throw new UsageError(`"${text}" is no share: write more than 0% and less than 100%, such as 5% or 0.05`)
  }
  return share
}

/** An unsigned 64-bit seed, in decimal digits. */
export function parseSeed(text: string): string {
  if (!/^\d{1,20}$/.test(text.trim()) || BigInt(text) >= 2n ** 64n) return reject(text, 'a seed', 'a whole number from 0 to 2^64-1')
  return String(BigInt(text))
}

/** Milliseconds since the epoch of an ISO 8601 date or time; UTC unless it has an offset; cut to the whole second. */
export function parseStart(text: string): number {
  const accepted = 'an ISO date or time such as 2026-03-01 or 2026-03-01T12:00:00Z'
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text.trim())
  if (!match) return reject(text, 'a date', accepted)
  const [, date = '', time = '00:00', zone = 'Z'] = match
  const ms = Date.parse(`${date}T${time}${zone}`)
  const day = new Date(`${date}T00:00:00Z`)
  if (Number.isNaN(ms) || Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date))
    return reject(text, 'a date that exists', accepted)
  return Math.floor(ms / 1000) * 1000
}

/** true/false, yes/no, on/off, 1/0. */
export function parseSwitch(text: string): boolean {
  const word = text.trim().toLowerCase()
  if (['1', 'true', 'yes', 'on'].includes(word)) return true
  if (['0', 'false', 'no', 'off'].includes(word)) return false
  return reject(text, 'a switch', 'true or false')
}

/** A name that stays readable in a table and in a file. */
export function parseLabel(text: string): string {
  if (!/^[\w][\w. +@:-]{0,63}$/.test(text)) return reject(text, 'a label', 'at most 64 letters, digits, spaces and . _ - + @ :')
  return text
}
