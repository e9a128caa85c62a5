/** Reads a line of nginx's JSON format: keys in any order, numbers as they are written, and of what is not asked for only that its brackets balance. */
import type { RejectReason } from '../../generators/record.js'
import type { Fields } from './line.js'

const keys = [
  'time_iso8601',
  'remote_addr',
  'remote_user',
  'request',
  'status',
  'body_bytes_sent',
  'http_referer',
  'http_user_agent',
] as const

const escapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** What ends the reading of a line, with the reason. */
class Unreadable extends Error {
  constructor(readonly reason: RejectReason = 'truncated or malformed line') {
    super(reason)
  }
}

/** @param text one character for each byte of the line, which is valid UTF-8 */
export function readJson(text: string): Fields | RejectReason {
  try {
    return new Reader(text).line()
  } catch (error) {
    if (error instanceof Unreadable) return error.reason
    throw error
  }
}

class Reader {
  private at = 0

  constructor(private readonly text: string) {}

  line(): Fields {
    const found = new Map<string, string>()
    this.space()
    this.expect('{')
    this.space()
    if (this.peek() === '}') this.at++
    else this.members(found)
    this.space()
    if (this.at < this.text.length) throw new Unreadable()
    const required = (name: (typeof keys)[number]): string => {
      const value = found.get(name)
      if (value === undefined) throw new Unreadable()
      return value
    }
    const optional = (name: (typeof keys)[number]) => found.get(name) || undefined
    return {
      address: required('remote_addr'),
      date: isoWithColon(required('time_iso8601')),
      request: required('request'),
      status: required('status'),
      size: required('body_bytes_sent'),
      user: optional('remote_user'),
      referrer: optional('http_referer'),
      agent: optional('http_user_agent'),
    }
  }

  private members(found: Map<string, string>): void {
    for (;;) {
      const key = this.string()
      this.space()
      this.expect(':')
      this.space()
      if ((keys as readonly string[]).includes(key)) {
        const value = this.scalar()
        // Of a key that comes twice the last one counts.
        if (value === undefined) found.delete(key)
        else found.set(key, value)
      } else this.skip()
      this.space()
      if (this.peek() === '}') break
      this.expect(',')
      this.space()
    }
    this.at++
  }

  private peek(): string {
    return this.text.charAt(this.at)
  }

  private expect(character: string): void {
    if (this.peek() !== character) throw new Unreadable()
    this.at++
  }

  /** What a sticky expression matches here; undefined when it does not. */
  private match(expression: RegExp): string | undefined {
    expression.lastIndex = this.at
    const found = expression.exec(this.text)?.[0]
    if (found !== undefined) this.at += found.length
    return found
  }

  private space(): void {
    this.match(/[ \t\r]*/y)
  }

  private string(): string {
    this.expect('"')
    let value = ''
    for (;;) {
      // Everything but quotes, backslashes and control characters.
      value += this.match(/[ !#-[\]-\xff]*/y) ?? ''
      const character = this.peek()
      this.at++
      if (character === '"') return value
      if (character !== '\\') throw new Unreadable()
      value += this.escape()
    }
  }

  private escape(): string {
    const letter = this.peek()
    this.at++
    if (letter !== 'u') {
      const plain = escapes[letter]
      if (plain === undefined) throw new Unreadable()
      return plain
    }
    const code = this.hex()
    if (code === undefined) throw new Unreadable()
    if (code === 0) throw new Unreadable('NUL byte')
    if (code < 0xd800 || code > 0xdfff) return bytesOf(String.fromCharCode(code))
    const low = code < 0xdc00 && this.match(/\\u/y) !== undefined ? (this.hex() ?? 0) : 0
    if (low < 0xdc00 || low > 0xdfff) throw new Unreadable('invalid UTF-8')
    return bytesOf(String.fromCharCode(code, low))
  }

  private hex(): number | undefined {
    const digits = this.match(/[0-9a-fA-F]{4}/y)
    return digits === undefined ? undefined : Number.parseInt(digits, 16)
  }

  /** A string, or a number as it is written; undefined for null. */
  private scalar(): string | undefined {
    if (this.peek() === '"') return this.string()
    if (this.match(/null/y) !== undefined) return undefined
    return this.number()
  }

  private number(): string {
    const number = this.match(/-?(?:0|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    if (number === undefined) throw new Unreadable()
    return number
  }

  private skip(): void {
    let depth = 0
    do {
      this.space()
      const character = this.peek()
      if (character === '"') this.string()
      else if (character === '{' || character === '[') {
        depth++
        this.at++
      } else if (depth > 0 && (character === '}' || character === ']')) {
        depth--
        this.at++
      } else if (depth > 0 && (character === ',' || character === ':')) this.at++
      else if (this.match(/true|false|null/y) === undefined) this.number()
    } while (depth > 0)
  }
}

/** A character for each byte, like the rest of the line. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** An offset without its colon gets one. */
function isoWithColon(date: string): string {
  return date.length === 24 ? `${date.slice(0, 22)}:${date.slice(22)}` : date
}
