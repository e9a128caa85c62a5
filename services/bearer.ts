/** Bearer tokens (RFC 6750), compared in a time that says nothing about them. */
import { createHash, timingSafeEqual } from 'node:crypto'

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** A check of Authorization headers against one token. */
export function bearer(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token)
  return (authorization) => {
    const shown = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    // Digests are of one length, whatever was shown.
    return timingSafeEqual(digest(shown ?? ''), expected) && shown !== undefined
  }
}
