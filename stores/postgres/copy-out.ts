/** COPY ... TO STDOUT as the server sends it: pieces of the wire, cut where the socket cut them, without a look at what the messages hold. */
import type { Socket } from 'node:net'
import type pg from 'pg'
import type { RawConnection } from './connect.js'

const copyOutResponse = 0x48
const copyData = 0x64
const noticeResponse = 0x4e
const parameterStatus = 0x53
/** Pieces that wait for the reader before the socket is told to pause. */
const piecesAhead = 8

type Listener = (data: Buffer) => void

const headerBytes = 5

/** Follows the messages of a stream from one piece to the next: nothing is put together again, so nothing is copied. */
class Frames {
  /** Bytes of the current message's header that were seen, of `headerBytes`, and its length as far as it is known. */
  private seen = 0
  private length = 0
  /** Bytes of the current message's body that are still to come. */
  private left = 0
  private skipping = false

  /**
   * Puts what belongs to CopyData messages into `pieces`.
   * @returns where a message begins that is no part of a copy; undefined when there is none
   */
  cut(data: Buffer, pieces: Uint8Array[]): number | undefined {
    let at = 0
    // Where bytes begin that were not handed out yet.
    let begin = 0
    const handOut = (end: number) => {
      if (end > begin) pieces.push(data.subarray(begin, end))
    }
    while (at < data.length) {
      if (this.left > 0) {
        const taken = Math.min(this.left, data.length - at)
        at += taken
        this.left -= taken
        if (this.skipping) begin = at
        continue
      }
      // A row's message that lies whole in the piece, which nearly all do: on to the next.
      if (this.seen === 0 && data[at] === copyData && at + headerBytes <= data.length) {
        const end = at + 1 + data.readUInt32BE(at + 1)
        if (end <= data.length) {
          at = end
          continue
        }
      }
      const byte = data[at] as number
      if (this.seen === 0) {
        const inCopy = byte === copyData
        if (!inCopy && byte !== copyOutResponse && byte !== noticeResponse && byte !== parameterStatus) {
          handOut(at)
          return at
        }
        if (!inCopy) handOut(at)
        this.skipping = !inCopy
        this.length = 0
      } else {
        this.length = this.length * 256 + byte
      }
      at++
      this.seen++
      if (this.skipping) begin = at
      if (this.seen === headerBytes) {
        this.seen = 0
        // The length counts itself.
        this.left = this.length - 4
      }
    }
    handOut(at)
    return undefined
  }
}

/**
 * Reads the answer to a COPY. While the copy runs, the socket belongs to this and not to the client, which gets it back
 * with the first message that is no longer part of the copy.
 * @returns pieces that hold nothing but CopyData messages, the last of which may go on in the next piece
 * @throws the server's error, or the connection's
 */
export async function* copyOut(client: pg.Client, text: string): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = []
  let wake: (() => void) | undefined
  let ended = false
  let failure: Error | undefined
  let socket: Socket | undefined
  const ring = () => {
    wake?.()
    wake = undefined
  }

  const query = {
    submit(connection: RawConnection): void {
      const { stream } = connection
      socket = stream
      const listeners = stream.listeners('data') as Listener[]
      stream.removeAllListeners('data')
      const frames = new Frames()
      const giveBack = (from: Buffer) => {
        stream.off('data', take)
        for (const listener of listeners) stream.on('data', listener)
        stream.resume()
        for (const listener of listeners) listener(from)
      }
      const take: Listener = (data) => {
        const end = frames.cut(data, pieces)
        if (end !== undefined) giveBack(data.subarray(end))
        else if (pieces.length >= piecesAhead) stream.pause()
        ring()
      }
      stream.on('data', take)
      connection.query(text)
    },
    handleError(error: Error): void {
      failure ??= error
      ended = true
      ring()
    },
    handleReadyForQuery(): void {
      ended = true
      ring()
    },
    handleCommandComplete(): void {},
    handleCopyData(): void {},
    handleRowDescription(): void {},
    handleDataRow(): void {},
    handlePortalSuspended(): void {},
    handleEmptyQuery(): void {},
  }
  client.query(query as unknown as pg.Submittable)
  for (;;) {
    const piece = pieces.shift()
    if (piece !== undefined) {
      yield piece
      continue
    }
    if (failure !== undefined) throw failure
    if (ended) return
    await new Promise<void>((resolve) => {
      wake = resolve
      socket?.resume()
    })
  }
}
