/** weir compare and weir history of real runs, as a person meets them. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { weir } from './weir.js'

const test = suite<{ folder: string }>('compare and history', { folder: '' })

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-compare-test-'))
})
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

function refuses(words: readonly string[], message: string | RegExp): string {
  const { status, stdout, stderr } = weir(words)
  assert.match(stderr, message)
  assert.is(status, 2, stderr)
  assert.is(stdout, '')
  assert.not.match(stderr, /\n\s+at /)
  return stderr
}

test('results of real runs are compared and make a history', ({ folder }) => {
  for (const workers of ['1', '2']) {
    const words = ['-s', 'null', '-t', 'worker-pool', '--workers', workers, '-n', '20k', '--no-latency-leg']
    const { status, stderr } = weir(['run', ...words, '--out', folder, '--label', `w${workers}`])
    assert.is(status, 0, stderr)
  }
  const compared = weir(['compare', 'w1', 'w2', '--out', folder])
  assert.is(compared.status, 0, compared.stderr)
  assert.match(compared.stdout, /worker-pool {2}records\/s {2}[\d,]+ {2}[\d,]+ +[+-][\d.]+% +- +cannot tell \(too few runs: at least/)
  assert.match(compared.stdout, 'Compared: options.workers is 1 in A, 2 in B.')
  assert.match(weir(['history', folder]).stdout, /1\. worker-pool on null +2 /)
  const longer = weir(['run', '-s', 'null', '-t', 'worker-pool', '-n', '30k', '--no-latency-leg', '--out', folder, '--label', 'longer'])
  assert.is(longer.status, 0)
  refuses(['compare', 'w1', 'longer', '--out', folder], 'length.records is 20,000 in A, 30,000 in B')
})

test('a run on Postgres is compared with one of another durability only by force', ({ folder }) => {
  const files = ['power', 'process'].map((durability) => {
    const words = ['-s', 'postgres', '-t', 'single-thread', '-n', '5k', '--no-latency-leg', '--durability', durability]
    const { status, stderr } = weir(['run', ...words, '--out', join(folder, durability)])
    assert.is(status, 0, stderr)
    return join(folder, durability, readdirSync(join(folder, durability))[0] ?? '')
  })
  const said = refuses(['compare', ...files], 'durability is power in A, process in B')
  assert.not.match(said, 'workload')
  assert.match(weir(['compare', ...files, '--force']).stdout.replaceAll(/\s+/g, ' '), 'cannot tell (too few runs: at least')
})

test.run()
