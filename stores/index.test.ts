/** The registry: every store has a name and a sentence, and what is not there is said without giving a password away. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openStore, startServer, stores } from './index.js'

const power = { durability: 'power' } as const

/** What a promise was rejected with. */
async function message(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing went wrong',
    (error: Error) => error.message,
  )
}

test('names are unique, and each has one sentence', () => {
  const names = stores.map(({ name }) => name)
  assert.equal([...new Set(names)], names)
  for (const { summary } of stores) assert.match(summary, /^[^.\n]{10,120}$/)
})

test('no two stores are reached by the same kind of URL', () => {
  const schemes = stores.flatMap((store) => store.schemes)
  assert.equal([...new Set(schemes)], schemes)
})

test('a store that is not there is named', async () => {
  assert.match(await message(startServer({ store: 'oracle', ...power })), 'oracle')
  const address = { store: 'oracle', url: '', schema: 'weir_x', layout: { partitionKey: 'id', partitions: 1 }, format: 'combined' } as const
  assert.match(await message(openStore(address)), 'oracle')
})

test('a URL that leads to no store is named without its password', async () => {
  const said = await message(startServer({ store: 'mysql://someone:secret@host/database', ...power }))
  assert.match(said, 'mysql://someone:***@host/database')
  assert.not.match(said, 'secret')
})

for (const url of ['postgres://someone:secret@127.0.0.1:1/database', 'postgres://someone:se%zzcret@[bad/database']) {
  test(`a server that cannot be reached is named without its password: ${url.replace(/:[^:]*@/, '@')}`, async () => {
    const error = await startServer({ store: url, ...power }).then(
      () => undefined,
      (caught: Error) => caught,
    )
    assert.instance(error, Error)
    // The causes as well: --debug prints them.
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      for (const text of [cause.message, JSON.stringify(cause)]) assert.not.match(text, /se(%zz)?cret/)
    }
  })
}

test.run()
