/** How late Weir itself is in handing records over, told apart from how late the target makes it. */

/**
 * Late is what a driver that renders in no time and is called at once would not have been: how long it was called after the
 * records were due and the target was ready, how long it rendered them, and what rendering before them still adds, which is
 * at the most how late everything is. A wait for the target adds nothing. It takes away, too: while this thread had nothing to
 * do but to wait for the target, lines that had been there earlier would have waited with it. Milliseconds throughout.
 */
export class Lateness {
  /** Of what the target was ready too late for, what rendering took. */
  private owedMs = 0

  /** @param readyMs since when the target takes records */
  constructor(private readyMs: number) {}

  /** Records due at `dueMs`, for which the driver was called at `calledMs`, are handed over at `handedMs`. */
  handed(dueMs: number, calledMs: number, handedMs: number): number {
    const carriedMs = Math.min(this.owedMs, Math.max(0, this.readyMs - dueMs))
    this.owedMs = carriedMs + handedMs - calledMs
    return Math.max(0, calledMs - Math.max(dueMs, this.readyMs)) + this.owedMs
  }

  /** The target takes records again, for which this thread waited idly for so long. */
  ready(nowMs: number, idleMs = 0): void {
    this.readyMs = nowMs
    this.owedMs = Math.max(0, this.owedMs - idleMs)
  }
}
