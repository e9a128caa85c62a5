/**
 * Hot shard: one value of the partition key has so many records that its hash partition takes the lion's share.
 *
 * One hot value, and not many values that happen to fall into one partition, is what skews real tables: a proxy's address,
 * the account of a program, the start page. It is hot under any hash and with any number of partitions, so the same
 * stream skews Postgres' partitions and the servers behind a ClickHouse Distributed table.
 */
import { hotValue } from '../generators/hash-shares.js'
import { type Scenario, ScenarioError } from './scenario.js'
import { steady } from './steady.js'

export const hotShard: Scenario = {
  name: 'hot-shard',
  summary: 'one address (or user, or path: --partition-key) is so busy that one hash partition takes half of the rows (--hot-share)',
  profile: 'web',
  arrivals: 'constant',
  records: 1_000_000,
  parameters: { hotShare: 0.5 },
  partitionKey: 'address',

  refusal: (partitionKey) =>
    partitionKey === 'id'
      ? 'hot-shard skews the partition key, and the identity cannot be skewed: every record has its own; use --partition-key address, user or path'
      : undefined,

  timing: (asked, records) => steady.timing(asked, records),

  async shape(spec, { parameters: { hotShare = 0 }, partitionKey, partitions }) {
    if (partitionKey === 'id') throw new ScenarioError('the identity cannot be skewed')
    const hot = await hotValue(spec, partitionKey, partitions, hotShare).catch((error: unknown) => {
      throw error instanceof RangeError ? new ScenarioError(error.message) : error
    })
    return { ...spec, hot }
  },
}
