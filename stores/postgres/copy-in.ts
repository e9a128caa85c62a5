/** A pipeline of COPY ... FROM STDIN statements, sent with all their data in one go: the server takes them in order, no round trip between. */
import type pg from 'pg'
import { copyHeader, copyTrailer } from '../../generators/encoder.js'
import type { RawConnection } from './connect.js'

/** One statement; with data for a COPY, without for anything else. */
export interface Step {
  readonly text: string
  /** CopyData messages with tuples, ready-made; they must not change until the pipeline has ended. */
  readonly messages?: readonly Uint8Array[]
}

/** CopyDone: 'c' and its length. */
const copyDone = Uint8Array.of(0x63, 0, 0, 0, 4)

/**
 * Runs the steps as one simple query (one transaction unless they say otherwise). The protocol lets a client send the
 * data of every COPY at once: the server reads each statement's data when it comes to it, and throws away what is left
 * after an error.
 * @throws the server's error, or the connection's
 */
export function runSteps(client: pg.Client, steps: readonly Step[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined
    // The interface that pg's Client expects of a query that handles its own messages.
    const pipeline = {
      submit(connection: RawConnection): void {
        const { stream } = connection
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
        failure ??= error
        // An error of the connection is not followed by ReadyForQuery.
        if ((error as { severity?: string }).severity === undefined || (error as { severity?: string }).severity === 'FATAL')
          reject(failure)
      },
      handleReadyForQuery(): void {
        if (failure === undefined) resolve()
        else reject(failure)
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
