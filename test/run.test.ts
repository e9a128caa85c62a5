/** weir run as a user meets it, into the null store: one document on stdout, a result file, exit statuses, an orderly stop. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { weir, weirUntil } from './weir.js'

interface Document {
  readonly schema: number
  readonly runs: readonly { readonly target: string; readonly store: string; readonly verdict: string; readonly audit: unknown }[]
}

test('--json prints one document and nothing else', () => {
  const { status, stdout, stderr } = weir(['run', '-s', 'null', '-t', 'single-thread', '-n', '50k', '--no-latency-leg', '--json'])
  assert.is(status, 0, stderr)
  const document = JSON.parse(stdout) as Document
  assert.is(document.schema, 1)
  assert.equal(
    document.runs.map(({ target, store, audit }) => ({ target, store, audit })),
    [{ target: 'single-thread', store: 'null', audit: null }],
  )
  assert.is.not(stderr, '')
})

test('without --json a table, and the name of the result file', () => {
  const { status, stdout, stderr } = weir(['run', '-s', 'null', '-t', 'single-thread', '-n', '50k', '--no-latency-leg', '--out', 'kept'])
  assert.is(status, 0, stderr)
  assert.match(stdout, 'single-thread')
  assert.match(stdout, /kept\/[^\s]+\.json/)
})

test('a target that was named and cannot run on the store is an error of the command line', () => {
  const { status, stderr } = weir(['run', '-s', 'null', '-t', 'multi-instance', '-n', '1k'])
  assert.is(status, 2)
  assert.match(stderr, 'multi-instance cannot run on the store null')
})

test('a file that is not there is a clear error', () => {
  const { status, stderr } = weir(['run', '-s', 'null', '-t', 'single-thread', '--input', 'nowhere.log'])
  assert.is(status, 1)
  assert.match(stderr, 'nowhere.log')
  assert.not.match(stderr, /\n\s+at /)
})

test('the first signal stops in order, with status 130 and at most one document', async () => {
  const words = ['run', '-s', 'null', '-t', 'single-thread', '--duration', '300s', '--json']
  const { status, stdout } = await weirUntil(words, 'stderr', (child) => child.kill('SIGINT'))
  assert.is(status, 130)
  if (stdout !== '') assert.ok((JSON.parse(stdout) as Document).runs.every(({ verdict }) => verdict === 'interrupted'))
})

test.run()
