// nginx's JSON format (escape=json): one object a line, keys in any order, unknown keys skipped whatever their value.
import { hexDigit, parseAddress } from './parse-address'
import { BAD_ADDRESS, BAD_DATE, BAD_SIZE, BAD_STATUS, INVALID_UTF8, line, MALFORMED, NUL_BYTE, NULL, OK } from './parse-line'
import { parseIsoTime } from './parse-time'
import { lengthOrNull, parseSize, splitRequest, statusAt } from './parse-values'

const TIME: i32 = 1
const ADDRESS: i32 = 2
const USER: i32 = 3
const REQUEST: i32 = 4
const STATUS: i32 = 5
const SIZE: i32 = 6
const REFERRER: i32 = 7
const AGENT: i32 = 8
const OTHER: i32 = 0

/** A record needs these. */
const REQUIRED: i32 = (1 << TIME) | (1 << ADDRESS) | (1 << REQUEST) | (1 << STATUS) | (1 << SIZE)

/** Decoded strings of one line; never longer than the line itself. */
const decoded: usize = memory.data(65536 + 64, 16)
let decodedEnd: usize = 0

// What was read last: its text (a decoded string, or a bare token), whether it was `null`, and why reading failed.
let text: usize = 0
let textEnd: usize = 0
let isNull: bool = false
let failure: i32 = 0

/** Parses the line p..end. */
export function parseJson(p: usize, end: usize): i32 {
  decodedEnd = decoded
  failure = MALFORMED
  let seen = 0
  let time: usize = 0
  let timeEnd: usize = 0
  let address: usize = 0
  let addressEnd: usize = 0
  let request: usize = 0
  let requestEnd: usize = 0
  let status: usize = 0
  let statusEnd: usize = 0
  let size: usize = 0
  let sizeEnd: usize = 0
  line.userLength = 0
  line.referrerLength = NULL
  line.agentLength = NULL

  p = skipSpace(p, end)
  if (load<u8>(p) != 0x7b) return MALFORMED
  p = skipSpace(p + 1, end)
  if (load<u8>(p) == 0x7d) p++
  else {
    while (true) {
      if (p >= end || load<u8>(p) != 0x22) return MALFORMED
      p = readString(p + 1, end)
      if (p == 0) return failure
      const key = keyOf(text, (textEnd - text) as i32)
      p = skipSpace(p, end)
      if (p >= end || load<u8>(p) != 0x3a) return MALFORMED
      p = skipSpace(p + 1, end)
      p = key == OTHER ? skipValue(p, end) : readScalar(p, end)
      if (p == 0) return failure
      if (key != OTHER) {
        seen = isNull ? seen & ~(1 << key) : seen | (1 << key)
        switch (key) {
          case TIME: { time = text; timeEnd = textEnd; break }
          case ADDRESS: { address = text; addressEnd = textEnd; break }
          case REQUEST: { request = text; requestEnd = textEnd; break }
          case STATUS: { status = text; statusEnd = textEnd; break }
          case SIZE: { size = text; sizeEnd = textEnd; break }
          case USER: { line.user = text; line.userLength = max(optionalLength(), 0); break }
          case REFERRER: { line.referrer = text; line.referrerLength = optionalLength(); break }
          default: { line.agent = text; line.agentLength = optionalLength() }
        }
      }
      p = skipSpace(p, end)
      if (p >= end) return MALFORMED
      const separator = load<u8>(p++)
      if (separator == 0x7d) break
      if (separator != 0x2c) return MALFORMED
      p = skipSpace(p, end)
    }
  }
  if (skipSpace(p, end) != end || (seen & REQUIRED) != REQUIRED) return MALFORMED

  if (!parseAddress(address, addressEnd)) return BAD_ADDRESS
  if (!parseIsoTime(time, timeEnd)) return BAD_DATE
  splitRequest(request, requestEnd)
  line.status = statusEnd - status == 3 ? statusAt(status) : 0
  if (line.status == 0) return BAD_STATUS
  if (size == sizeEnd || parseSize(size) != sizeEnd) return BAD_SIZE
  return OK
}

/** Length of the text just read, NULL when it is absent: null, '' or '-'. */
function optionalLength(): i32 {
  return isNull || text == textEnd ? NULL : lengthOrNull(text, textEnd)
}

function skipSpace(p: usize, end: usize): usize {
  while (p < end) {
    const byte = load<u8>(p)
    if (byte != 0x20 && byte != 0x09 && byte != 0x0d) break
    p++
  }
  return p
}

/** Which of nginx' variables a key names; eight bytes at a time, their text in the comments. */
function keyOf(p: usize, length: i32): i32 {
  const head = load<u64>(p)
  const tail = load<u64>(p, 8)
  switch (length) {
    case 6:
      return (head & 0xffffffffffff) == 0x737574617473 ? STATUS : OTHER // status
    case 7:
      return (head & 0xffffffffffffff) == 0x74736575716572 ? REQUEST : OTHER // request
    case 11:
      if (head == 0x615f65746f6d6572 && (tail & 0xffffff) == 0x726464) return ADDRESS // remote_addr
      return head == 0x755f65746f6d6572 && (tail & 0xffffff) == 0x726573 ? USER : OTHER // remote_user
    case 12:
      if (head == 0x6f73695f656d6974 && (tail & 0xffffffff) == 0x31303638) return TIME // time_iso8601
      return head == 0x6665725f70747468 && (tail & 0xffffffff) == 0x72657265 ? REFERRER : OTHER // http_referer
    case 15:
      if (head == 0x7479625f79646f62 && (tail & 0xffffffffffffff) == 0x746e65735f7365) return SIZE // body_bytes_sent
      return head == 0x6573755f70747468 && (tail & 0xffffffffffffff) == 0x746e6567615f72 ? AGENT : OTHER // http_user_agent
    default:
      return OTHER
  }
}

/** Reads the string after whose opening quote `p` lies; returns the address past its closing quote, or 0. */
function readString(p: usize, end: usize): usize {
  const start = p
  p = findSpecial(p, end)
  if (p >= end) return 0
  if (load<u8>(p) == 0x22) {
    text = start
    textEnd = p
    return p + 1
  }
  let to = decodedEnd
  text = to
  let from = start
  while (true) {
    memory.copy(to, from, p - from)
    to += p - from
    const byte = load<u8>(p)
    if (byte == 0x22) break
    if (byte != 0x5c || p + 1 >= end) return 0
    const escape = load<u8>(p + 1)
    p += 2
    if (escape == 0x75) {
      let code = hexAt(p, end)
      if (code < 0) return 0
      p += 4
      if (code == 0) {
        failure = NUL_BYTE
        return 0
      }
      if ((code & 0xf800) == 0xd800) {
        const low = code < 0xdc00 && p + 2 <= end && load<u16>(p) == 0x755c ? hexAt(p + 2, end) : -1
        if (low < 0xdc00 || low > 0xdfff) {
          failure = INVALID_UTF8
          return 0
        }
        p += 6
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      }
      to = writeUtf8(to, code)
    } else {
      const character = unescaped(escape)
      if (character == 0) return 0
      store<u8>(to++, character)
    }
    from = p
    p = findSpecial(p, end)
    if (p >= end) return 0
  }
  textEnd = to
  // A number is read up to what is no digit; what an earlier line left here may be one. An escape is longer than what it stands for, so there is room.
  store<u8>(to, 0)
  decodedEnd = to + 1
  return p + 1
}

/** First quote, backslash or control character in p..end, or `end`. */
function findSpecial(p: usize, end: usize): usize {
  for (; p < end; p += 16) {
    const block = v128.load(p)
    const found = i8x16.bitmask(
      v128.or(v128.or(i8x16.eq(block, i8x16.splat(0x22)), i8x16.eq(block, i8x16.splat(0x5c))), i8x16.lt_u(block, i8x16.splat(0x20))),
    )
    if (found) return min(p + ctz(found), end)
  }
  return end
}

function unescaped(escape: u8): u8 {
  switch (escape) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return escape
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    default:
      return 0
  }
}

/** Value of four hexadecimal digits at `p`, or -1. */
function hexAt(p: usize, end: usize): i32 {
  if (p + 4 > end) return -1
  let value = 0
  for (let i: usize = 0; i < 4; i++) {
    const digit = hexDigit(load<u8>(p + i))
    if (digit > 15) return -1
    value = (value << 4) | (digit as i32)
  }
  return value
}

function writeUtf8(to: usize, code: i32): usize {
  if (code < 0x80) {
    store<u8>(to, code)
    return to + 1
  }
  if (code < 0x800) {
    store<u8>(to, 0xc0 | (code >> 6))
    store<u8>(to + 1, 0x80 | (code & 63))
    return to + 2
  }
  if (code < 0x10000) {
    store<u8>(to, 0xe0 | (code >> 12))
    store<u8>(to + 1, 0x80 | ((code >> 6) & 63))
    store<u8>(to + 2, 0x80 | (code & 63))
    return to + 3
  }
  store<u8>(to, 0xf0 | (code >> 18))
  store<u8>(to + 1, 0x80 | ((code >> 12) & 63))
  store<u8>(to + 2, 0x80 | ((code >> 6) & 63))
  store<u8>(to + 3, 0x80 | (code & 63))
  return to + 4
}

/** Reads a value that a field can have: a string, a number as its text, or null. Returns the address past it, or 0. */
function readScalar(p: usize, end: usize): usize {
  isNull = false
  if (p >= end) return 0
  if (load<u8>(p) == 0x22) return readString(p + 1, end)
  text = p
  if (p + 4 <= end && load<u32>(p) == 0x6c6c756e) {
    isNull = true
    textEnd = p + 4
    return p + 4
  }
  textEnd = skipNumber(p, end)
  return textEnd
}

/** Skips a number as RFC 8259 has it; returns the address past it, or 0. */
function skipNumber(p: usize, end: usize): usize {
  if (p < end && load<u8>(p) == 0x2d) p++
  if (p < end && load<u8>(p) == 0x30) p++
  else {
    p = skipDigits(p, end)
    if (p == 0) return 0
  }
  if (p < end && load<u8>(p) == 0x2e) {
    p = skipDigits(p + 1, end)
    if (p == 0) return 0
  }
  if (p < end && (load<u8>(p) | 32) == 0x65) {
    p++
    if (p < end && (load<u8>(p) == 0x2b || load<u8>(p) == 0x2d)) p++
    p = skipDigits(p, end)
  }
  return p
}

/** Skips at least one digit, or returns 0. */
function skipDigits(p: usize, end: usize): usize {
  const start = p
  while (p < end && (load<u8>(p) as u32) - 48 < 10) p++
  return p == start ? 0 : p
}

/**
 * Skips any value; returns the address past it, or 0. Inside objects and arrays strings, numbers and words are read as
 * such, but of the punctuation only that the brackets balance is asked.
 */
function skipValue(p: usize, end: usize): usize {
  let depth = 0
  do {
    p = skipSpace(p, end)
    if (p >= end) return 0
    const byte = load<u8>(p)
    if (byte == 0x7b || byte == 0x5b) {
      depth++
      p++
    } else if (depth != 0 && (byte == 0x7d || byte == 0x5d)) {
      depth--
      p++
    } else if (depth != 0 && (byte == 0x2c || byte == 0x3a)) {
      p++
    } else if (byte == 0x22) {
      p = readString(p + 1, end)
    } else if (byte == 0x74 || byte == 0x6e) {
      p = p + 4 <= end && (load<u32>(p) == 0x65757274 || load<u32>(p) == 0x6c6c756e) ? p + 4 : 0
    } else if (byte == 0x66) {
      p = p + 5 <= end && load<u32>(p + 1) == 0x65736c61 ? p + 5 : 0
    } else {
      p = skipNumber(p, end)
    }
    if (p == 0) return 0
  } while (depth != 0)
  return p
}
