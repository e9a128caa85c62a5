/** A pipeline of COPY ... FROM STDIN statements, sent with all their data in one go: the server takes them in order, no round trip between. */
import type pg from 'pg'
import { copyHeader, copyTrailer } from '../../generators/encoder.js'
import type { RawConnection } from './connect.js'

/** One statement; with data for a COPY, without for anything else. */
export interface Step {
  readonly text: string
  /** CopyData messages with tuples, ready-made; they must not change while they may still be on their way. */
  readonly messages?: readonly Uint8Array[]
}

/** CopyDone: 'c' and its length. */
const copyDone = Uint8Array.of(0x63, 0, 0, 0, 4)

/** The connection was gone before anything was sent over it. */
export class UnsentError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
    this.name = 'UnsentError'
  }
}

/**
 * Runs the steps as one simple query (one transaction unless they say otherwise). The protocol lets a client send the
 * data of every COPY at once: the server reads each statement's data when it comes to it, and throws away what is left
 * after an error. The promise may reject while data is still on its way: the data may change only after an answer to
 * something that was sent later.
 * @throws the server's error, the connection's, or UnsentError
 */
export function runSteps(client: pg.Client, steps: readonly Step[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = false
    // The interface that pg's Client expects of a query that handles its own messages.
    const pipeline = {
      submit(connection: RawConnection): void {
        const { stream } = connection
        sent = true
        stream.cork()
        connection.query(steps.map((step) => step.text).join(';\n'))
        for (const { messages } of steps) {
          if (messages === undefined) continue
          stream.write(copyHeader)
          for (const message of messages) stream.write(message)
          stream.write(copyTrailer)
          stream.write(copyDone)
        }
        stream.uncork()
      },
      handleError(error: Error): void {
        // The client forgets a query with its first error; ReadyForQuery comes to nobody.
        reject(sent ? error : new UnsentError(error))
      },
      handleReadyForQuery(): void {
        resolve()
      },
      handleCopyInResponse(): void {},
      handleCommandComplete(): void {},
      handleRowDescription(): void {},
      handleDataRow(): void {},
      handlePortalSuspended(): void {},
      handleEmptyQuery(): void {},
      handleCopyData(): void {},
    }
    client.query(pipeline as unknown as pg.Submittable)
  })
}

/** True unless the server said it and goes on: FATAL and PANIC end the connection, and what is no error of the server's is one of its connection. */
export function endsConnection(error: unknown): boolean {
  return (error as { severity?: string }).severity !== 'ERROR'
}
