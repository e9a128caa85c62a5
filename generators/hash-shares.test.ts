/** One hot value gives its partition the share that was asked for, whatever the column, the format and the number of partitions. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { hashShares, hotValue } from './hash-shares.js'
import { profileNamed } from './profiles.js'
import type { HotKey, StreamSpec } from './source.js'
import { streamSource } from './stream.js'

const web = (changes: Partial<StreamSpec> = {}): StreamSpec => ({
  kind: 'stream',
  source: 1,
  profile: 'web',
  seed: '7',
  format: 'combined',
  ...profileNamed('web').defaults,
  ...changes,
})
const range = [{ first: 1_000_000, count: 200_000 }]

for (const [key, partitions, share, format] of [
  ['address', 4, 0.5, 'combined'],
  ['address', 4, 0.8, 'json'],
  ['address', 2, 0.75, 'common'],
  ['path', 4, 0.5, 'combined'],
  ['path', 16, 0.3, 'json'],
  ['user', 4, 0.5, 'combined'],
] as readonly (readonly [HotKey, number, number, StreamSpec['format']])[]) {
  test(`${share * 100}% of a ${format} stream by ${key} in one of ${partitions}`, async () => {
    const hot = await hotValue(web({ format }), key, partitions, share)
    const shares = await hashShares(streamSource(web({ format, hot })), range, key, partitions)
    assert.ok(Math.abs(shares.reduce((sum, part) => sum + part, 0) - 1) < 1e-9)
    assert.ok(
      shares.some((part) => Math.abs(part - share) < 0.02),
      shares.join(' '),
    )
  })
}

test('the identity is even; shares are of the range that was asked for', async () => {
  for (const part of await hashShares(streamSource(web()), range, 'id', 4)) assert.ok(Math.abs(part - 0.25) < 0.01)
  assert.equal(await hashShares(streamSource(web()), [], 'id', 2), [0, 0])
})

test('less than a partition has anyway cannot be had', async () => {
  let told = ''
  await hotValue(web(), 'address', 4, 0.01).catch((error: Error) => {
    told = error.message
  })
  assert.match(told, /is less than the [\d.]+% that this partition has without a hot value/)
})

test.run()
