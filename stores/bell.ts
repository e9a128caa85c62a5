/** Something to wait for that happens again and again: everybody who waits is woken by the next ring. */

export class Bell {
  private readonly waiting = new Set<() => void>()

  /** Who waits now: nobody who has given up. */
  get listeners(): number {
    return this.waiting.size
  }

  ring(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Resolves at the next ring; rejects with the signal's reason when that is aborted first. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const wake = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const abort = () => {
        this.waiting.delete(wake)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.waiting.add(wake)
    })
  }

  /** Resolves at the next ring or after so many milliseconds, whichever comes first. */
  nextWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.waiting.add(wake)
    })
  }
}
