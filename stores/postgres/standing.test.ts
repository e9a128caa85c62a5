/** A connection that stands: cut while nobody asks or in the middle of a question, the next question is answered. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PostgresError } from './connect.js'
import { failure, numberOf, onServers } from './servers.testing.js'
import { StandingConnection } from './standing.js'

onServers('cut while nobody asks: the next question does not notice', async (ground) => {
  const standing = ground.closing(new StandingConnection(ground.url))
  const client = await standing.ask(async (connected) => connected)
  const pid = await numberOf(client, 'SELECT pg_backend_pid()')
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  await numberOf(await ground.client(), 'SELECT pg_terminate_backend($1)::int', [pid])
  await ended
  assert.is.not(await standing.ask((again) => numberOf(again, 'SELECT pg_backend_pid()')), pid)
})

onServers('cut in the middle of a question: that one fails, the next is answered', async (ground) => {
  const standing = ground.closing(new StandingConnection(ground.url, await ground.client()))
  const failed = await failure(standing.ask((client) => client.query('SELECT pg_terminate_backend(pg_backend_pid())')))
  assert.instance(failed, PostgresError)
  assert.match(failed.message, /terminat/)
  assert.is(await standing.ask((client) => numberOf(client, 'SELECT 7')), 7)
})

onServers('a refusal leaves the connection as it is', async (ground) => {
  const standing = ground.closing(new StandingConnection(ground.url))
  const pid = await standing.ask((client) => numberOf(client, 'SELECT pg_backend_pid()'))
  await failure(standing.ask((client) => client.query('SELECT nonsense')))
  assert.is(await standing.ask((client) => numberOf(client, 'SELECT pg_backend_pid()')), pid)
})

test.run()
