/** Settings come from the strongest layer and remember where they came from; targets' options are settings too. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { TargetModule } from '../targets/target.js'
import { UsageError } from './errors.js'
import { flagLayer } from './flags.js'
import { environmentLayer, fileLayer, Settings, variableOf } from './settings.js'
import { planTargets, targetFlags } from './target-options.js'

const shared = { type: 'count', default: 10, min: 1, max: 100, summary: 'a number' } as const
const module = (name: string, options: TargetModule['options']): TargetModule => ({
  name,
  summary: name,
  options,
  image: () => ({ kind: 'rows', keeps: 'all' }),
  open: () => Promise.reject(new Error('not in this test')),
})
const first = module('first-one', { batchRecords: shared, lingerMs: { type: 'milliseconds', default: 5, summary: 'a time' } })
const second = module('second', { batchRecords: { ...shared, default: 20 }, loud: { type: 'flag', default: false, summary: 'a switch' } })
const all = [first, second]
const flags = targetFlags(all)
const known = Object.keys(flags)

function planned(words: readonly string[], environment: Readonly<Record<string, string>> = {}, file = '{}', selected = all) {
  const settings = new Settings([
    flagLayer(words, flags, [], 'run'),
    environmentLayer(environment, known),
    fileLayer(file, 'f.json', known),
  ])
  return planTargets(selected, all, settings).map(({ options }) => options)
}

test('defaults differ by target, a shared flag sets all, a dotted flag one', () => {
  assert.equal(planned([]), [
    { batchRecords: 10, lingerMs: 5 },
    { batchRecords: 20, loud: false },
  ])
  assert.equal(planned(['--batch-records', '50', '--second.batch-records=60', '--loud']), [
    { batchRecords: 50, lingerMs: 5 },
    { batchRecords: 60, loud: true },
  ])
})

test('the layer counts before the dot', () => {
  assert.equal(
    planned(['--batch-records', '50'], { WEIR_SECOND_BATCH_RECORDS: '60' }).map(({ batchRecords }) => batchRecords),
    [50, 50],
  )
  assert.equal(
    planned([], { WEIR_SECOND_BATCH_RECORDS: '60' }, '{"batchRecords": 70}').map(({ batchRecords }) => batchRecords),
    [70, 60],
  )
  assert.equal(planned([], {}, '{"first-one": {"linger-ms": "2s"}, "second.loud": true}'), [
    { batchRecords: 10, lingerMs: 2000 },
    { batchRecords: 20, loud: true },
  ])
})

test('a flag of no selected target is refused; in the environment it waits for its target', () => {
  assert.throws(() => planned(['--loud'], {}, '{}', [first]), /--loud is an option of second, not of first-one/)
  assert.equal(planned([], { WEIR_LOUD: '1' }, '{}', [first]), [{ batchRecords: 10, lingerMs: 5 }])
})

test('limits hold wherever a value comes from', () => {
  assert.throws(() => planned(['--batch-records', '101']), /--batch-records: "101" is too large: at most 100/)
  assert.throws(() => planned([], { WEIR_BATCH_RECORDS: '0' }), /WEIR_BATCH_RECORDS: "0" is too small: at least 1/)
  assert.throws(() => planned([], {}, '{"second": {"loud": "maybe"}}'), /f\.json: second\.loud: "maybe" is not a switch/)
})

test('a file may say neither nonsense nor anything twice', () => {
  const layer = (text: string) => () => fileLayer(text, 'f.json', known)
  assert.throws(layer('[]'), /expected an object/)
  assert.throws(layer('{"batchRecords": 1, "batch-records": 2}'), /given twice/)
  assert.throws(layer('{"batchRecords": {"a": 1}}'), /expected a string, a number/)
  assert.throws(layer('{"batchRecords": null}'), /not null/)
  assert.throws(layer('{"seconds": {"loud": true}}'), /unknown option "seconds": did you mean "second"\?/)
  assert.throws(layer('{"second": {"luod": true}}'), /unknown option "second\.luod": did you mean "second\.loud"\?/)
  try {
    layer('{')()
  } catch (error) {
    assert.instance(error, UsageError)
  }
})

test('an empty variable is not set', () => {
  assert.is(environmentLayer({ WEIR_LOUD: '' }, known).size, 0)
  assert.is(variableOf('first-one.batch-records'), 'WEIR_FIRST_ONE_BATCH_RECORDS')
})

test('a lone dash is a value, and a switch may be turned off', () => {
  const shapes = { output: { kind: 'value', alias: 'o' }, json: { kind: 'switch' } } as const
  const text = (words: readonly string[], key: string) => flagLayer(words, shapes, [], 'x').get(key)?.text
  assert.is(text(['-o', '-'], 'output'), '-')
  assert.is(text(['--output', '-', '--json'], 'output'), '-')
  assert.is(text(['--json=no'], 'json'), 'false')
  assert.is(text(['--json'], 'json'), 'true')
})

test.run()
