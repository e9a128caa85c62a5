/** Late records and hot values: pure functions of the spec and a position, on top of a stream that is otherwise the plain one. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openSource } from './open.js'
import { profileNamed } from './profiles.js'
import { type Format, formats } from './record.js'
import { blockRecords, Renderer, recordTimeMs } from './renderer.js'
import type { HotKey, StreamSpec } from './source.js'

function web(format: Format, changes: Partial<StreamSpec> = {}): StreamSpec {
  return { kind: 'stream', source: 1, profile: 'web', seed: '1', format, ...profileNamed('web').defaults, ...changes }
}

function lines(spec: StreamSpec, first: number, count: number, renderer = new Renderer(spec)): string[] {
  const parts: Buffer[] = []
  for (let done = 0; done < count; ) {
    const { bytes, count: n } = renderer.render(first + done, count - done)
    parts.push(Buffer.from(bytes))
    done += n
  }
  return Buffer.concat(parts).toString('latin1').split('\n').slice(0, -1)
}

const timeOf = (line: string) => {
  const text = /\[([^\]]+)\]/.exec(line)?.[1] ?? ''
  return Date.parse(text.replace(':', ' ').replaceAll('/', ' '))
}
const monthOf = (ms: number) => new Date(ms).toISOString().slice(0, 7)
const withoutTime = (line: string) => line.replace(/\[[^\]]+\]|"time_iso8601":"[^"]+"/, '')
const addressOf = (line: string) => line.slice(0, line.indexOf(' '))
const userOf = (line: string) => line.split(' ')[2] ?? ''
const pathOf = (line: string) => /"[A-Z]+ (\S+) HTTP/.exec(line)?.[1] ?? ''

const march = { startMs: Date.UTC(2026, 2, 1), recordsPerDay: 100_000 }

const fingerprints: Readonly<Record<string, string>> = {
  'late combined': 'f34e01f4bbe6a9a7',
  'late common': '9d9d19c4df6078d3',
  'late json': '93951575ce410b7d',
  'address combined': 'e931b3cdf8e178cb',
  'user common': 'ca35881400786774',
  'path json': '067f2f1ea1137d71',
  'both json': '521da53efdd98fea',
}

test('the bytes of shaped streams are the ones they were when pinned', () => {
  const specs: Readonly<Record<string, StreamSpec>> = {
    'late combined': web('combined', { late: { share: 0.1 } }),
    'late common': web('common', { late: { share: 0.1 } }),
    'late json': web('json', { late: { share: 0.1 } }),
    'address combined': web('combined', { hot: { key: 'address', share: 0.4 } }),
    'user common': web('common', { hot: { key: 'user', share: 0.4 } }),
    'path json': web('json', { hot: { key: 'path', share: 0.4 } }),
    'both json': web('json', { late: { share: 0.02 }, hot: { key: 'address', share: 0.5 } }),
  }
  const actual = Object.entries(specs).map(([name, spec]) => {
    const hash = createHash('sha256')
    for (const first of [0, blockRecords - 50, 2 ** 32 - 50]) hash.update(lines(spec, first, 3000).join('\n'))
    return [name, hash.digest('hex').slice(0, 16)]
  })
  assert.equal(Object.fromEntries(actual), fingerprints)
})

for (const format of formats) {
  test(`any range of a shaped ${format} stream, in any order, equals the slice of the whole`, () => {
    const spec = web(format, { late: { share: 0.2 }, hot: { key: 'user', share: 0.3 } })
    const length = 3 * blockRecords
    const whole = lines(spec, 0, length)
    const roaming = new Renderer(spec)
    fc.assert(
      fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 3000 }), (first, wanted) => {
        const count = Math.min(wanted, length - first)
        assert.is(lines(spec, first, count, roaming).join('\n'), whole.slice(first, first + count).join('\n'))
      }),
      { numRuns: 30 },
    )
  })
}

test('the given share is late, in months that the source names; all else is the plain stream', () => {
  const spec = web('combined', { ...march, late: { share: 0.02 } })
  const count = 100_000
  const shaped = lines(spec, 0, count)
  const plain = lines(web('combined', march), 0, count)
  const months = openSource(spec).months(0, count) ?? []
  assert.equal(months, ['2026-01', '2026-02', '2026-03'])
  const delays: number[] = []
  for (let i = 0; i < count; i++) {
    const line = shaped[i] ?? ''
    assert.is(withoutTime(line), withoutTime(plain[i] ?? ''))
    const at = timeOf(line)
    assert.ok(months.includes(monthOf(at)), line)
    if (line === plain[i]) continue
    assert.ok(monthOf(at) < monthOf(recordTimeMs(spec, i)))
    delays.push(march.startMs - at)
  }
  assert.ok(Math.abs(delays.length / count - 0.02) < 0.002, `${delays.length} late`)
  const hours = delays.filter((ms) => ms <= 18.3 * 3_600_000).length / delays.length
  assert.ok(hours > 0.8 && hours < 0.95, `${hours} within hours`)
  assert.ok(delays.some((ms) => monthOf(march.startMs - ms) === '2026-01'))
})

test('late records over a year lie in the months that are named, and a share of 1 takes all', () => {
  const spec = web('common', { startMs: Date.UTC(2027, 11, 20), recordsPerDay: 100, late: { share: 1 } })
  const months = openSource(spec).months(0, 36_000) ?? []
  assert.is(months[0], '2027-10')
  assert.is(months.at(-1), monthOf(recordTimeMs(spec, 35_999)))
  for (const [i, line] of lines(spec, 0, 36_000).entries()) {
    assert.ok(months.includes(monthOf(timeOf(line))))
    assert.ok(monthOf(timeOf(line)) < monthOf(recordTimeMs(spec, i)))
  }
})

for (const [key, columnOf] of [
  ['address', addressOf],
  ['user', userOf],
  ['path', pathOf],
] as readonly (readonly [HotKey, (line: string) => string])[]) {
  test(`one ${key} gets its share, and the other records stay as they were`, () => {
    const count = 50_000
    const shaped = lines(web('common', { hot: { key, share: 0.4 } }), 0, count)
    const plain = lines(web('common'), 0, count)
    const [hot = ''] = new Set(lines(web('common', { hot: { key, share: 1 } }), 0, 100).map(columnOf))
    const changed = shaped.filter((line, i) => line !== plain[i])
    assert.ok(changed.every((line) => columnOf(line) === hot))
    const gained = (shaped.filter((line) => columnOf(line) === hot).length - plain.filter((line) => columnOf(line) === hot).length) / count
    const natural = plain.filter((line) => columnOf(line) === hot).length / count
    assert.ok(Math.abs(gained - 0.4 * (1 - natural)) < 0.01, `${gained} gained`)
  })
}

test('a shape out of range says what is', () => {
  assert.throws(() => openSource(web('combined', { late: { share: 1.5 } })), /share of late records, 1.5, is not within 0 and 1/)
  assert.throws(() => openSource(web('combined', { hot: { key: 'address', share: Number.NaN } })), /share of hot records/)
  assert.throws(() => openSource(web('combined', { late: { share: 0.1 }, startMs: 0 })), /March 1970/)
  const key = 'id' as unknown as HotKey
  assert.throws(
    () => openSource(web('combined', { hot: { key, share: 0.5 } })),
    /no value of "id" can be hot; there are address, user, path/,
  )
})

test.run()
