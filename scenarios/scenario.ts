/** The contract of a scenario: traffic worth measuring, as the defaults that it gives a run. */

export interface Scenario {
  readonly name: string
  /** A sentence for `weir list`. */
  readonly summary: string
  readonly profile: string
  readonly arrivals: 'constant'
  /** Records of a run whose length nobody gave. */
  readonly records: number
  /**
   * Places the stream in time. `records` is the number that the run will have, or the best estimate where its length is
   * a duration. What the user asked for is kept as it is.
   */
  timing(asked: AskedTiming, records: number): Timing
}

/** What the user said about time; null leaves it to the scenario. */
export interface AskedTiming {
  readonly startMs: number | null
  readonly recordsPerDay: number | null
}

export interface Timing {
  /** Time of record 0, milliseconds since the epoch, a whole second. */
  readonly startMs: number
  /** Mean number of records a day. */
  readonly recordsPerDay: number
}

export const dayMs = 86_400_000
