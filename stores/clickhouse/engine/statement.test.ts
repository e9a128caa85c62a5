/** Statements: told apart, and an insert's data found, however they are written. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseStatement, quote } from './statement.js'

const headAndData = (sql: string) => {
  const { kind, format, head, data } = parseStatement(sql)
  return { kind, format, head: sql.slice(0, head), data: sql.slice(data) }
}

test('the data of an insert begins behind its format and one line break', () => {
  assert.equal(headAndData('INSERT INTO t (a, b) FORMAT Native\n\x01\x02'), {
    kind: 'insert',
    format: 'Native',
    head: 'INSERT INTO t (a, b) ',
    data: '\x01\x02',
  })
  assert.equal(headAndData('insert into d.`for mat` settings x=1 format TSV \n\n1\t;2'), {
    kind: 'insert',
    format: 'TSV',
    head: 'insert into d.`for mat` settings x=1 ',
    data: '\n1\t;2',
  })
  assert.equal(headAndData('INSERT INTO t FORMAT JSONEachRow {"a": "select 1; FORMAT x"}').data, '{"a": "select 1; FORMAT x"}')
})

test('words in strings, quoted names, comments and columns are not clauses', () => {
  const sql = `INSERT INTO t /* FORMAT CSV */ ("FORMAT", a) SETTINGS log_comment = 'it''s \\' FORMAT TSV' -- FORMAT XML\n FORMAT RowBinary`
  assert.is(parseStatement(sql).format, 'RowBinary')
  assert.is(parseStatement('INSERT INTO format FORMAT CSV').format, 'CSV')
  assert.is(parseStatement('INSERT INTO d.values FORMAT CSV').format, 'CSV')
  assert.is(parseStatement('SELECT $a$ FORMAT CSV $a$ FORMAT Native').format, 'Native')
})

test('values are data, a select is not', () => {
  assert.equal(headAndData('INSERT INTO t (a) VALUES (1), (2)'), {
    kind: 'insert',
    format: 'Values',
    head: 'INSERT INTO t (a) ',
    data: ' (1), (2)',
  })
  assert.is(parseStatement('INSERT INTO t SELECT * FROM u').kind, 'other')
  assert.is(parseStatement('INSERT INTO t WITH 1 AS x SELECT x FORMAT Null').kind, 'other')
  assert.is(parseStatement('WITH 1 AS x INSERT INTO t SELECT x').kind, 'other')
  assert.is(parseStatement("INSERT INTO t SELECT * FROM input('a UInt8') FORMAT CSV").fromInput, true)
})

test('what can be streamed, what alters a session, and what is more than one statement', () => {
  assert.is(parseStatement(' -- first\n select 1').kind, 'select')
  assert.is(parseStatement('(SELECT 1) UNION ALL (SELECT 2)').kind, 'select')
  assert.is(parseStatement('SHOW TABLES').kind, 'other')
  assert.is(parseStatement('set a = 1').alters, true)
  assert.is(parseStatement('CREATE TEMPORARY TABLE t (a UInt8)').alters, true)
  assert.is(parseStatement('CREATE TABLE t (a UInt8)').alters, false)
  assert.is(parseStatement('SELECT 1; -- end').several, false)
  assert.is(parseStatement("SELECT ';'; SELECT 2").several, true)
})

test('settings are found in an insert and in a query', () => {
  assert.is(parseStatement('INSERT INTO t SETTINGS async_insert=1, b = 2 VALUES (1)').settings.get('async_insert'), '1')
  assert.is(parseStatement('SELECT 1 SETTINGS Async_Insert = 0').settings.get('async_insert'), '0')
})

test('a quoted string ends where it should', () => {
  assert.is(quote(`a'b\\`), `'a\\'b\\\\'`)
})

test.run()
