/** Runs a scenario as a user does, and looks at what every run owes: a document that fits its schema, and clean audits. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import * as assert from 'uvu/assert'
import type { Audit, Result, Run } from '../results/result.js'
import { weir } from './weir.js'

const schema = JSON.parse(readFileSync(fileURLToPath(new URL('../../docs/result.schema.json', import.meta.url)), 'utf8')) as object
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)

export const run = (...words: readonly string[]): Result => runOn('postgres', ...words)

export function runOn(store: string, ...words: readonly string[]): Result {
  const { status, stdout, stderr } = weir(['run', ...words, '-s', store, '--json'])
  assert.is(status, 0, stderr)
  const result = JSON.parse(stdout) as Result
  assert.ok(validate(result), JSON.stringify(validate.errors))
  for (const { audit, latencyLeg } of result.runs) for (const each of [audit, latencyLeg?.audit]) if (each) assertClean(each)
  return result
}

function assertClean(audit: Audit): void {
  const { rejected, lost, duplicated, corrupted, misplaced, unexpected, failed, refused } = audit
  assert.equal([rejected, lost, duplicated, corrupted, misplaced, unexpected, failed, refused], [0, 0, 0, 0, 0, 0, 0, 0])
  assert.is(audit.offered, audit.stored + audit.excluded)
}

/** Rows by month, from the partitions' names. */
export function rowsByMonth({ partitions = [] }: Run): Readonly<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (const partition of partitions) {
    const month = /_(\d{4}_\d{2})_p\d+$/.exec(partition.name)?.[1] ?? partition.name
    rows[month] = (rows[month] ?? 0) + partition.rows
  }
  return rows
}
