/** What the embedded server's log tells of its failures reaches whoever lost a connection to it. */
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect, explain } from './connect.js'
import { EmbeddedServer } from './embedded.js'
import { lastWords, whyItEnded } from './server-log.js'
import { failure, numberOf } from './servers.testing.js'

test('the telling lines are kept, whatever follows them', () => {
  const log = [
    'creating configuration files ... ok',
    'running bootstrap script ... 2026-01-01 UTC [7] FATAL:  could not extend file "base/1/2691": No space left on device',
    'HINT:  Check free disk space.',
    'Aborted',
    'child process exited with exit code 134',
    'initdb: removing data directory "data"',
    '',
  ].join('\n')
  assert.match(lastWords(log), /No space left on device; HINT/)
})

test('what comes just before a failure explains it', () => {
  const log = 'LOG:  unrecognized configuration parameter "no_such"\nFATAL:  configuration file contains errors\n'
  assert.match(lastWords(log), /no_such/)
})

test('without them the last lines are kept, greetings aside', () => {
  assert.is(lastWords('LOG:  starting PostgreSQL 18\none\ntwo\nLOG:  database system is shut down\n'), 'one; two')
  assert.is(lastWords(''), 'it said nothing')
})

test('a connection that was lost with a crash is explained by the log, one that never was is not', async () => {
  const server = await EmbeddedServer.start({ durability: 'process' })
  try {
    assert.is(whyItEnded(server.url), undefined)
    const client = await connect(server.url)
    const pid = await numberOf(client, 'SELECT pg_backend_pid()')
    const lost = failure(client.query('SELECT pg_sleep(600)'))
    process.kill(pid, 'SIGKILL')
    const error = await lost
    // The client may know before the log does.
    for (let tries = 0; tries < 2_000 && whyItEnded(server.url) === undefined; tries++) await delay(5)
    const { message } = explain(error, server.url)
    assert.match(message, /its log says: .*was terminated by signal 9/)
    assert.not.match(message, new URL(server.url).password)
  } finally {
    await server.close()
  }
})

test('a server that is not ours has no log to look into', () => {
  assert.is(whyItEnded('postgres://someone:secret@host/database'), undefined)
  assert.is(whyItEnded('no url'), undefined)
})

test.run()
