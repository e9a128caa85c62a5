/** A wrong word is answered with the nearest right one, and with none when none is near. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { unknown } from './suggest.js'

const targets = ['row-at-a-time', 'single-thread', 'worker-pool', 'multi-instance']

test('the nearest is named', () => {
  assert.is(unknown('target', 'worker-pol', targets), 'unknown target "worker-pol": did you mean "worker-pool"?')
  assert.is(unknown('target', 'worker', targets), 'unknown target "worker": did you mean "worker-pool"?')
  assert.is(unknown('store', 'postgresql', ['postgres', 'null']), 'unknown store "postgresql": did you mean "postgres"?')
  assert.is(
    unknown('flag', '--recrods-per-day', ['--rate', '--records-per-day']),
    'unknown flag "--recrods-per-day": did you mean "--records-per-day"?',
  )
})

test('nothing near: the known words are listed', () => {
  assert.is(unknown('store', 'xyzzyx', ['postgres', 'null']), 'unknown store "xyzzyx"; there are: postgres, null')
  assert.is(unknown('flag', '-', []), 'unknown flag "-"')
})

test.run()
