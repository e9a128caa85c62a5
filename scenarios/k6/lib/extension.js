// Bodies, clock and ledger of the extension k6/x/weir.
import * as weir from 'k6/x/weir'

export class Supply {
  /** @param {{ seed: string, count: number }} wish so many records of the stream in each body */
  constructor({ seed, count }) {
    this.seed = seed
    this.count = count
    // The kernel is compiled now, and not while the first requests are due.
    weir.lines(seed, 0, 1)
  }

  /**
   * Records first .. first+count, as request `index` has them.
   * @param {number} _index
   * @param {number} first
   * @returns {ArrayBuffer | Promise<ArrayBuffer>}
   */
  body(_index, first) {
    return weir.lines(this.seed, first, this.count, 'combined')
  }

  /** Milliseconds since the scenario's start, by a clock that nobody sets. */
  sinceStartMs() {
    return weir.sinceStartMs()
  }

  /**
   * Enters what became of the records of a request.
   * @param {'sent' | 'accepted' | 'refused' | 'failed'} fate
   * @param {number} first
   */
  note(fate, first) {
    weir.note(fate, first, this.count)
  }

  /** What was noted, of all virtual users; undefined where whoever reads the samples keeps the ledger. */
  noted() {
    return weir.noted()
  }
}
