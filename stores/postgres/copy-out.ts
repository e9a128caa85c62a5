/** COPY ... TO STDOUT as the server sends it: pieces of the wire, whole messages, without a look at single rows' contents. */
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

/**
 * Reads the answer to a COPY. While the copy runs, the socket belongs to this and not to the client, which gets it back
 * with the first message that is no longer part of the copy.
 * @returns pieces that hold whole CopyData messages
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
      let rest: Buffer | undefined
      const giveBack = (from: Buffer) => {
        stream.off('data', take)
        for (const listener of listeners) stream.on('data', listener)
        stream.resume()
        for (const listener of listeners) listener(from)
      }
      const take: Listener = (data) => {
        const buffer = rest === undefined ? data : Buffer.concat([rest, data])
        rest = undefined
        let at = 0
        // Where whole CopyData messages begin that were not handed out yet.
        let begin = 0
        const handOut = () => {
          if (at > begin) pieces.push(buffer.subarray(begin, at))
        }
        while (at + 5 <= buffer.length) {
          const type = buffer[at]
          const end = at + 1 + buffer.readUInt32BE(at + 1)
          if (type !== copyData && type !== copyOutResponse && type !== noticeResponse && type !== parameterStatus) {
            handOut()
            ring()
            giveBack(buffer.subarray(at))
            return
          }
          if (end > buffer.length) break
          if (type !== copyData) {
            handOut()
            begin = end
          }
          at = end
        }
        handOut()
        rest = at < buffer.length ? buffer.subarray(at) : undefined
        if (pieces.length >= piecesAhead) stream.pause()
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
