/** The null store takes everything, and yet says of each line what a store would. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { partitionKeys } from '../../generators/record.js'
import { openStore, startServer } from '../index.js'
import type { Receipt, StoreAddress } from '../store.js'

const address: StoreAddress = {
  store: 'null',
  url: '',
  schema: 'weir_test',
  layout: { partitionKey: 'id', partitions: 4 },
  format: 'combined',
}

const line = (position: number, month = 'Jan') => `10.0.0.1 - - [15/${month}/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 5 "-" "-"`

function chunkOf(lines: readonly string[], first = 0) {
  return { source: 3, first, count: lines.length, lines: new Uint8Array(Buffer.from(lines.map((text) => `${text}\n`).join(''))) }
}

/** Neighbours of one fate as one: where an arena ended is nobody's business. */
function joined(receipt: Receipt): Receipt {
  const ranges: Receipt[number][] = []
  for (const next of receipt) {
    const last = ranges.at(-1)
    if (last !== undefined && last.fate === next.fate && last.reason === next.reason && last.first + last.count === next.first)
      ranges[ranges.length - 1] = { ...last, count: last.count + next.count }
    else ranges.push(next)
  }
  return ranges
}

for (const partitionKey of partitionKeys) {
  test(`what parses is stored, what does not is rejected with its reason, by ${partitionKey}`, async () => {
    const store = await openStore({ ...address, layout: { partitionKey, partitions: 4 } })
    const writer = await store.writer()
    const receipt = await writer.write([chunkOf([line(0), 'nonsense', line(2, 'Feb')], 100), chunkOf([line(3), ''], 103)])
    assert.equal(joined(receipt), [
      { source: 3, first: 100, count: 1, fate: 'stored' },
      { source: 3, first: 101, count: 1, fate: 'rejected', reason: 'truncated or malformed line' },
      { source: 3, first: 102, count: 2, fate: 'stored' },
      { source: 3, first: 104, count: 1, fate: 'rejected', reason: 'empty line' },
    ])
    assert.is(writer.copied().records, 5)
    await writer.close()
    await store.close()
  })
}

test('a chunk larger than what is encoded at once is accounted for whole', async () => {
  const writer = await (await openStore(address)).writer()
  const lines = Array.from({ length: 60_000 }, (_, i) => `${line(i)}${'x'.repeat(i % 7 === 0 ? 200 : 0)}`)
  const receipt = joined(await writer.write([chunkOf(lines)]))
  assert.is(
    receipt.reduce((sum, { count }) => sum + count, 0),
    60_000,
  )
  assert.is(receipt[0]?.first, 0)
  for (const [i, range] of receipt.entries()) {
    const next = receipt[i + 1]
    if (next !== undefined) assert.is(next.first, range.first + range.count)
  }
  assert.is(writer.copied().records, 60_000)
  assert.ok(writer.copied().bytes >= Buffer.byteLength(lines.join('\n')))
})

test('the row path takes rows and rejects', async () => {
  const inserter = await (await openStore(address)).inserter()
  await inserter.reject(Buffer.from('nonsense'), 3, 0, 'bad address')
  await inserter.close()
})

test('nothing can be claimed or read back, and that is said', async () => {
  const store = await openStore(address)
  assert.is(store.logfiles, undefined)
  assert.is(store.scanner, undefined)
  assert.equal(await store.partitions(), [])
  for await (const _ of store.rejected()) assert.unreachable()
  await store.prepare({ kind: 'rows', keeps: 'all' }, ['2026-01'])
  await store.remember({ seed: '1' })
  await store.drop()
})

test('its server promises nothing and has nothing', async () => {
  const server = await startServer({ store: 'null', durability: 'power' })
  assert.is(await server.durability(), 'none')
  assert.equal(await server.runs(), [])
  assert.equal(await server.processes(), [])
  const { fsyncMs, tables } = await server.facts()
  assert.is(fsyncMs, null)
  assert.equal(tables, [])
  await server.settle()
  await server.close()
  await server.close()
})

test.run()
