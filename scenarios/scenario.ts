/** The contract of a scenario: traffic worth measuring, as the defaults that it gives a run. */
import type { PartitionKey } from '../generators/record.js'
import type { StreamSpec } from '../generators/source.js'

export interface Scenario {
  readonly name: string
  /** A sentence for `weir list`. */
  readonly summary: string
  readonly profile: string
  /** When records of the latency leg are due, as `--arrivals` has it. */
  readonly arrivals: string
  /** Records of a run whose length nobody gave. */
  readonly records: number
  /**
   * Places the stream in time. `records` is the number that the run will have, or the best estimate where its length is
   * a duration. What the user asked for is kept as it is.
   */
  timing(asked: AskedTiming, records: number): Timing
  /** What it can be told, with the values that hold when nothing is said; absent: nothing. */
  readonly parameters?: ScenarioParameters
  /** The partition key unless another is asked for; absent: the identity. */
  readonly partitionKey?: PartitionKey
  /** Why it makes no sense with this partition key, and what to do; undefined when it does. */
  refusal?(partitionKey: PartitionKey): string | undefined
  /** The stream with what is special about its records; absent: they are the profile's own. @throws ScenarioError when that cannot be had */
  shape?(spec: StreamSpec, wanted: Shaping): StreamSpec | Promise<StreamSpec>
  /** Length of the latency leg at the most, milliseconds, where what happens in the run needs longer than usual. */
  readonly latencyMs?: number
}

/** What scenarios can be told. A scenario knows those that it gives a value. */
export interface ScenarioParameters {
  /** Share of the records that belong to an earlier month, 0 to 1. */
  readonly lateShare?: number
  /** Share of the rows that one hash partition takes, 0 to 1. */
  readonly hotShare?: number
  /** Months that stay, the one being written included; those before are dropped. */
  readonly keepMonths?: number
}

/** A scenario was told what it cannot do. */
export class ScenarioError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ScenarioError'
  }
}

export interface Shaping {
  readonly parameters: ScenarioParameters
  readonly partitionKey: PartitionKey
  /** Hash partitions of each month, or the number of servers, that the rows are to be skewed over. */
  readonly partitions: number
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

/** Days from an instant to the beginning of the month that many months after its own. */
export function daysUntilMonth(fromMs: number, months: number): number {
  const at = new Date(fromMs)
  return (Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1) - fromMs) / dayMs
}
