/** The profile `web` is within 25% of the real log, at its beginning and far into the stream. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profileNamed } from '../generators/profiles.js'
import { Renderer } from '../generators/renderer.js'
import { type Feature, features, isNear, type Likeness, measure, windowLines } from './realism-measure.js'

const folder = process.env['WEIR_REAL_LOGS']

function generated(seed: string, first: number): Likeness {
  const renderer = new Renderer(
    { kind: 'stream', source: 1, profile: 'web', seed, format: 'combined', ...profileNamed('web').defaults },
    windowLines * 1024,
  )
  return measure(renderer.render(first, windowLines).bytes)
}

if (folder === undefined) test.skip('generated lines are within 25% of the real ones (needs WEIR_REAL_LOGS)', () => {})
else {
  const real = measure(readFileSync(join(folder, 'apache-combined-10k.log')))
  for (const [seed, first] of [
    ['1', 0],
    ['1', 990_000],
    ['1', 99_990_000],
    ['2', 5_555_555],
    ['18446744073709551615', 40_000_000],
  ] as const) {
    test(`lines from ${first} on of seed ${seed} are within 25% of the real ones`, () => {
      const likeness = generated(seed, first)
      for (const feature of features(real)) {
        assert.ok(isNear(feature, real, likeness), `${feature.name}: ${feature.value(likeness)}, real ${feature.value(real)}`)
      }
    })
  }
}

test('a measure that is off by more is not near', () => {
  const likeness = generated('1', 0)
  const count: Feature = { name: 'addresses', unit: 'count', value: (of) => of.addresses }
  assert.ok(isNear(count, likeness, likeness))
  assert.not.ok(isNear(count, likeness, { ...likeness, addresses: likeness.addresses * 1.26 }))
  assert.not.ok(isNear(count, likeness, { ...likeness, addresses: likeness.addresses * 0.74 }))
})

test.run()
