/** A request's body that is written piece by piece, as fast as the server takes it. */
import { Readable } from 'node:stream'

export class Feed extends Readable {
  private wake: (() => void) | undefined

  constructor() {
    super({ highWaterMark: 1 << 20 })
  }

  override _read(): void {
    this.wake?.()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.wake?.()
    done(error)
  }

  /** Resolves when more is wanted; at once, too, when nobody reads any more. The pieces must stay as they are. */
  async feed(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      if (this.destroyed) return
      // A view on the same memory: a stream takes nothing but Buffers without a copy.
      if (this.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))) continue
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.wake = undefined
    }
  }

  end(): void {
    if (!this.destroyed) this.push(null)
  }
}
