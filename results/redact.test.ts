/** No password comes through, however it is written. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { redact, redactDeep, secretsOf } from './redact.js'
import { sampleResult, sampleRun } from './sample.js'
import { renderTable } from './table.js'
import { serialize } from './write.js'

test('the password of a URL goes, user, host and database stay', () => {
  assert.is(
    redact('cannot reach postgres://weir:s3cret@db.example:5432/logs now'),
    'cannot reach postgres://weir:***@db.example:5432/logs now',
  )
  for (const password of ['a@b', 'a/b', 'a:b', 'p%40ss', "it's", 'a?b#c', 'x=y&z']) {
    assert.is(redact(`clickhouse://weir:${password}@db/x`), 'clickhouse://weir:***@db/x')
  }
  assert.is(redact('postgres://weir@db/x and http://db:8123/a'), 'postgres://weir@db/x and http://db:8123/a')
})

test('named secrets go', () => {
  assert.is(redact('PGPASSWORD=hunter2 psql'), 'PGPASSWORD=*** psql')
  assert.is(redact("host=db password='hunter two' user=weir"), 'host=db password=*** user=weir')
  assert.is(redact('http://db/?user=weir&password=hunter2&x=1'), 'http://db/?user=weir&password=***&x=1')
  assert.is(redact('password: hunter2'), 'password: ***')
  assert.is(redact('password authentication failed for user "weir"'), 'password authentication failed for user "weir"')
})

test('given secrets go wherever they are', () => {
  const secrets = secretsOf('postgres://weir:p%40ss@db/x')
  assert.equal(secrets, ['p%40ss', 'p@ss'])
  assert.is(redact('server said: p@ss is too short', secrets), 'server said: *** is too short')
  assert.equal(secretsOf('postgres://weir@db/x'), [])
  assert.equal(secretsOf('postgres://weir:%zz@db/x'), ['%zz'])
})

test('a password that is an ordinary word does not change what a document says', () => {
  assert.equal(secretsOf('postgres://postgres:postgres@localhost/postgres'), [])
  assert.equal(secretsOf('clickhouse://default:logs@db:8123/logs'), [])
  const before = { store: 'postgres', verdict: 'ok', hash: 'a1b2a', target: 'single-thread', error: 'a server at db said: ok' }
  assert.equal(redactDeep(before, ['a', 'ok', 'single']), { ...before, error: '*** server at db said: ***' })
  assert.is(redact('hunter22', ['hunter22']), '***')
  assert.is(redact('it heard "p(a|ss".', ['p(a|ss']), 'it heard "***".')
})

test('plain data is redacted at every depth and keeps its shape', () => {
  const before = { store: 'postgres://a:hunter2@b/c', password: 'hunter2', list: [{ token: 'hunter2' }, 1, null, true], password_file: '' }
  assert.equal(redactDeep(before), {
    store: 'postgres://a:***@b/c',
    password: '***',
    list: [{ token: '***' }, 1, null, true],
    password_file: '',
  })
})

test('a password in configuration, error, reason, setting or finding reaches neither document nor table', () => {
  const url = 'postgres://weir:hunter2@db/x'
  const run = sampleRun('worker-pool', [1, 2], {
    verdict: 'failed',
    reasons: [`cannot reach ${url}`],
    error: { message: `connect ECONNREFUSED ${url}`, remedy: 'check PGPASSWORD=hunter2; the server heard "hunter2"' },
    storeFacts: {
      version: '18',
      durability: 'power',
      settings: { primary_conninfo: 'host=a password=hunter2' },
      fsyncMs: null,
      tables: [],
    },
  })
  const result = sampleResult([run], { configuration: { store: url, targets: [{ url }], pgpassword: 'hunter2' } })
  const text = serialize(result, secretsOf(url))
  assert.not.match(text, 'hunter2')
  assert.match(text, 'postgres://weir:***@db/x')
  assert.not.match(renderTable(JSON.parse(text), { tty: false }), 'hunter2')
  const direct = renderTable(sampleResult([{ ...run, error: { message: `connect ECONNREFUSED ${url}` } }]), { tty: false })
  assert.match(direct, 'connect ECONNREFUSED postgres://weir:***@db/x')
})

test.run()
