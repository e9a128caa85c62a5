/**
 * A batch of raw lines as one object. In this order: the magic line; a line of JSON (`ObjectHeader`); the lines, without the
 * personal fields where there is a key; these, encrypted with AES-256-GCM (NIST SP 800-38D); and 16 bytes of tag. The tag
 * vouches for everything before it, so a header or an open part that was changed does not pass either. Without a key the
 * lines stand as they are, and a SHA-256 of everything before it takes the tag's place: it tells damage, not forgery.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { InspectedLine, Inspector } from '../generators/inspector.js'
import type { Format, Range } from '../generators/record.js'
import { formats } from '../generators/record.js'
import type { Key, Keyring } from './keys.js'
import { join, part } from './personal.js'

/** Records of one source whose lines follow each other in the object. */
export interface Stretch extends Range {
  /** Of its lines, newlines included. */
  readonly bytes: number
}

export interface ObjectHeader {
  readonly format: Format
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly stretches: readonly Stretch[]
  /** Id of the key that the personal fields are encrypted with; null: they stand in the lines. */
  readonly key: string | null
  /** 96 random bits in base64: never the same twice under one key. */
  readonly nonce: string | null
  readonly openBytes: number
  readonly sealedBytes: number
}

export interface LineObject extends Pick<ObjectHeader, 'format' | 'createdAt' | 'stretches'> {
  /** All lines, stretch by stretch. */
  readonly lines: Uint8Array
}

/** The object is not what was stored: damaged, forged, or sealed with a key that is not known. It must not become rows. */
export class RefusedObjectError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RefusedObjectError'
  }
}

const magic = Buffer.from('weir lines 1\n')
const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
const hashBytes = 32
/** So many stretches fit a header, which is a string: it may have 2^29 characters. */
export const mostStretches = 1_000_000

/** What is to become an object: its lines in pieces that end where lines do. */
export interface LinesToSeal extends Pick<ObjectHeader, 'format' | 'createdAt' | 'stretches'> {
  readonly pieces: readonly Uint8Array[]
}

export interface Sealing {
  readonly key: Key
  /** Finds the personal fields. */
  readonly inspector: Inspector
}

/**
 * The object's bytes, in parts that follow each other.
 * @param sealing undefined: the lines stand in it as they are, and these parts are the pieces themselves
 */
export function sealLines({ format, createdAt, stretches, pieces }: LinesToSeal, sealing: Sealing | undefined): readonly Uint8Array[] {
  const header = { format, createdAt, stretches }
  if (sealing === undefined) {
    const openBytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const head = headOf({ ...header, key: null, nonce: null, openBytes, sealedBytes: 0 })
    const hash = createHash('sha256').update(head)
    for (const piece of pieces) hash.update(piece)
    return [head, ...pieces, hash.digest()]
  }
  const { key, inspector } = sealing
  const lines = Buffer.concat(pieces)
  const told: InspectedLine[] = []
  inspector.inspect(lines, format, (line) => told.push(line))
  const { open, sealed } = part(lines, told)
  const nonce = randomBytes(nonceBytes)
  const sizes = { openBytes: open.length, sealedBytes: sealed.length }
  const head = headOf({ ...header, key: key.id, nonce: nonce.toString('base64'), ...sizes })
  const encryption = createCipheriv(cipher, key.bytes, nonce, { authTagLength: tagBytes })
  encryption.setAAD(head)
  encryption.setAAD(open)
  const encrypted = encryption.update(sealed)
  encryption.final()
  return [head, open, encrypted, encryption.getAuthTag()]
}

/**
 * Reads an object back.
 * @throws RefusedObjectError when a bit of it is not as it was stored, or the key is missing
 */
export function openLines(bytes: Uint8Array, keys: Keyring | undefined): LineObject {
  const { header, headBytes } = headerOf(bytes)
  const { openBytes, sealedBytes, key: id } = header
  const trailerBytes = id === null ? hashBytes : tagBytes
  if (bytes.length !== headBytes + openBytes + sealedBytes + trailerBytes)
    throw new RefusedObjectError('it is cut off, or longer than it says')
  const head = bytes.subarray(0, headBytes)
  const open = bytes.subarray(headBytes, headBytes + openBytes)
  const sealed = bytes.subarray(headBytes + openBytes, bytes.length - trailerBytes)
  const trailer = bytes.subarray(bytes.length - trailerBytes)
  const { format, createdAt, stretches } = header
  const lines = id === null ? unsealed(head, open, trailer) : decrypted({ head, open, sealed, trailer }, header, keys)
  if (stretches.reduce((sum, stretch) => sum + stretch.bytes, 0) !== lines.length)
    throw new RefusedObjectError('its stretches do not add up')
  return { format, createdAt, stretches, lines }
}

function headOf(header: ObjectHeader): Buffer {
  return Buffer.concat([magic, Buffer.from(`${JSON.stringify(header)}\n`)])
}

function headerOf(bytes: Uint8Array): { readonly header: ObjectHeader; readonly headBytes: number } {
  if (Buffer.compare(bytes.subarray(0, magic.length), magic) !== 0) throw new RefusedObjectError('it is no object of lines')
  const end = bytes.indexOf(10, magic.length)
  let header: Partial<ObjectHeader> | undefined
  try {
    header = JSON.parse(Buffer.from(bytes.subarray(magic.length, Math.max(end, magic.length))).toString()) as Partial<ObjectHeader>
  } catch {
    // Told below.
  }
  const { format, openBytes, sealedBytes, stretches, key } = header ?? {}
  const whole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
  const sound =
    end >= 0 &&
    formats.some((known) => known === format) &&
    whole(openBytes) &&
    whole(sealedBytes) &&
    (key === null || typeof key === 'string') &&
    Array.isArray(stretches) &&
    stretches.every(({ source, first, count, bytes: size }) => Number.isSafeInteger(source) && [first, count, size].every(whole))
  if (!sound) throw new RefusedObjectError('its header cannot be read')
  return { header: header as ObjectHeader, headBytes: end + 1 }
}

function unsealed(head: Uint8Array, open: Uint8Array, hash: Uint8Array): Uint8Array {
  if (!createHash('sha256').update(head).update(open).digest().equals(hash))
    throw new RefusedObjectError('it is damaged: its hash does not match')
  return open
}

interface Parts {
  readonly head: Uint8Array
  readonly open: Uint8Array
  readonly sealed: Uint8Array
  readonly trailer: Uint8Array
}

function decrypted({ head, open, sealed, trailer }: Parts, { key: id, nonce }: ObjectHeader, keys: Keyring | undefined): Uint8Array {
  const key = keys?.get(id ?? '')
  if (key === undefined) throw new RefusedObjectError(`it is sealed with the key ${JSON.stringify(id)}, which is not known here`)
  const iv = Buffer.from(nonce ?? '', 'base64')
  if (iv.length !== nonceBytes) throw new RefusedObjectError('its header cannot be read')
  const decryption = createDecipheriv(cipher, key.bytes, iv, { authTagLength: tagBytes })
  decryption.setAAD(head)
  decryption.setAAD(open)
  decryption.setAuthTag(trailer)
  const plain = decryption.update(sealed)
  try {
    decryption.final()
  } catch {
    throw new RefusedObjectError('it is damaged or forged: its tag does not verify')
  }
  return join({ open, sealed: plain })
}
