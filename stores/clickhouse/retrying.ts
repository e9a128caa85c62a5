/** Which failures pass by themselves, and how long a writer waits for that: a restart of the server, or a while of too much work. */
import { ClickHouseStoreError } from './errors.js'

/** Before each repetition, milliseconds: some four seconds in all. */
export const waitsMs: readonly number[] = [100, 250, 500, 1000, 2000]

/**
 * Codes of ClickHouse's ErrorCodes.cpp: no answer in time (159, 160, 209), too many queries (202), broken network (210),
 * shutting down (236), too many parts (252), an insert of unknown outcome (319), a query that somebody ended (394).
 */
const passing = [159, 160, 202, 209, 210, 236, 252, 319, 394]

/** A server that cannot be reached may be back soon; one that refuses has a reason, which seldom goes away. */
export function isPassing(error: unknown): boolean {
  return error instanceof ClickHouseStoreError && (error.code === undefined || passing.includes(error.code))
}
