/** The inspector says of any line what the encoder says, and finds the fields that name a person where they lie. */
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Encoder } from './encoder.js'
import { chunkOf, encodeAll } from './encoder.testing.js'
import { type InspectedLine, Inspector } from './inspector.js'
import { damaged, logged, render, runs } from './logged-lines.testing.js'
import { type Format, formats, type RejectReason } from './record.js'

const inspector = new Inspector()

function inspected(lines: Uint8Array, format: Format): readonly InspectedLine[] {
  const told: InspectedLine[] = []
  inspector.inspect(lines, format, (line) => told.push(line))
  return told
}

for (const format of formats) {
  const encoder = new Encoder({ format, partitionKey: 'id', partitions: 1, arenaBytes: 4_000_000, arenas: 1 })

  test(`lines of ${format}, damaged or not, get the encoder's verdict`, () => {
    fc.assert(
      fc.property(fc.array(damaged(format), { minLength: 1, maxLength: 20 }), (lines) => {
        const bytes = lines.map((line) => Buffer.concat([Buffer.from(line), Buffer.from('\n')]))
        const whole = Buffer.concat(bytes)
        const told = inspected(whole, format)
        const chunk = chunkOf(lines, 0, 1)
        const reasons: (RejectReason | undefined)[] = encodeAll(encoder, [chunk]).runs.flatMap(({ count, reason }) =>
          Array.from({ length: count }, () => reason),
        )
        assert.equal(
          told.map(({ reason }) => reason),
          reasons,
        )
        assert.is(
          told.reduce((sum, { bytes }) => sum + bytes, 0),
          whole.length,
        )
      }),
      runs,
    )
  })
}

for (const format of ['combined', 'common'] as const) {
  test(`in a record of ${format}, address and user are found`, () => {
    fc.assert(
      fc.property(logged, (fields) => {
        const line = Buffer.concat([Buffer.from(render(fields, format)), Buffer.from('\n')])
        const [found] = inspected(line, format)
        assert.ok(found)
        assert.is(line.subarray(0, found.addressBytes).toString(), fields.address)
        const user = line.subarray(found.userAt, found.userAt + found.userBytes).toString()
        assert.is(user, fields.user === '-' ? '' : fields.user)
      }),
      runs,
    )
  })
}

test('a line that is longer than what is looked at in one piece is told as too long, and the next one is found', () => {
  const good = '192.0.2.1 - ann [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1\n'
  const told = inspected(Buffer.from(`${'x'.repeat(600_000)}\n${good}`), 'common')
  assert.equal(
    told.map(({ at, bytes, reason }) => [at, bytes, reason]),
    [
      [0, 600_001, 'line too long'],
      [600_001, good.length, undefined],
    ],
  )
})

test('what is not ended is refused', () => {
  assert.throws(() => inspected(Buffer.from('no end'), 'common'), /not ended/)
})

test.run()
