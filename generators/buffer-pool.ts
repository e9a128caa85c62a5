/** Buffers for lines, used again: what would otherwise be new memory, and work for the collector, for every chunk. */

/** Where a cursor takes its buffers from. */
export interface Buffers {
  /** A view of exactly so many bytes, with anything in them, on a buffer that nobody else holds. */
  take(bytes: number): Uint8Array
  /** Takes back the buffer of a view, which its holder must not touch any more. */
  give(view: Uint8Array): void
}

/** Sizes are rounded up to multiples of an eighth of the next lower power of two, and of this at the least. */
const leastBytes = 4096
/** Beyond this, what is given back is left to the collector. */
const mostIdleBytes = 128 * 1024 * 1024

/**
 * Hands out the buffer that was given back last: the one that is most likely still in a core's cache. A buffer that nobody
 * gives back is forgotten and costs what any other costs.
 */
export class BufferPool implements Buffers {
  private readonly idle = new Map<number, ArrayBuffer[]>()
  private readonly free = new Set<ArrayBuffer>()
  private idleBytes = 0

  take(bytes: number): Uint8Array {
    const size = roundedUp(bytes)
    const buffer = this.idle.get(size)?.pop()
    if (buffer === undefined) return new Uint8Array(new ArrayBuffer(size), 0, bytes)
    this.free.delete(buffer)
    this.idleBytes -= size
    return new Uint8Array(buffer, 0, bytes)
  }

  /** Takes back the buffer of a view, which its holder must not touch any more; a thread may have been its holder meanwhile. */
  give(view: Uint8Array): void {
    const buffer = view.buffer as ArrayBuffer
    const size = buffer.byteLength
    // Detached, not one of ours, given back already, or too many.
    if (size === 0 || size !== roundedUp(size) || this.free.has(buffer) || this.idleBytes + size > mostIdleBytes) return
    const alike = this.idle.get(size)
    if (alike === undefined) this.idle.set(size, [buffer])
    else alike.push(buffer)
    this.free.add(buffer)
    this.idleBytes += size
  }
}

/** Fresh memory for every chunk: for cursors whose lines are kept. */
export const freshBuffers: Buffers = { take: (bytes) => new Uint8Array(bytes), give: () => undefined }

function roundedUp(bytes: number): number {
  if (bytes <= leastBytes) return leastBytes
  const step = Math.max(leastBytes, 2 ** (Math.floor(Math.log2(bytes)) - 3))
  return Math.ceil(bytes / step) * step
}
