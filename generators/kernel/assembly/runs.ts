// What became of the records in an arena, as run lengths.
import { Arena } from './arena'

/** A run of records with one fate, for the host: 24 bytes. */
@unmanaged
class Run {
  first!: i64
  count!: u32
  source!: i32
  /** 0 stored, otherwise 1 + the reason. */
  fate!: u32
  reserved!: u32
}

const RUN_BYTES: usize = 24

/** Whether one more run can be noted. */
@inline
export function hasRunLeft(arena: Arena): bool {
  return arena.runCount < arena.runCapacity
}

/** Notes a record's fate, in the last run where it continues that. */
@inline
export function addRun(arena: Arena, source: i32, position: i64, fate: u32): void {
  if (arena.runCount != 0) {
    const last = changetype<Run>(arena.runs + ((arena.runCount - 1) as usize) * RUN_BYTES)
    if (last.fate == fate && last.source == source && last.first + last.count == position && last.count != u32.MAX_VALUE) {
      last.count++
      return
    }
  }
  const run = changetype<Run>(arena.runs + (arena.runCount as usize) * RUN_BYTES)
  run.first = position
  run.count = 1
  run.source = source
  run.fate = fate
  arena.runCount++
}
