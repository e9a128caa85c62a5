/** A stream is a pure function of profile, seed and position, and its lines are what their format says. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openSource } from './open.js'
import { profileNamed } from './profiles.js'
import { type Format, formats } from './record.js'
import { blockRecords, firstPositionAt, longestLineBytes, Renderer, recordTimeMs } from './renderer.js'
import type { StreamSpec } from './source.js'

function web(format: Format, changes: Partial<StreamSpec> = {}): StreamSpec {
  return { kind: 'stream', source: 1, profile: 'web', seed: '1', format, ...profileNamed('web').defaults, ...changes }
}

/** Records first .. first+count in calls of at most `step` records. */
function rendered(renderer: Renderer, first: number, count: number, step = count): Buffer {
  const parts: Buffer[] = []
  for (let done = 0; done < count; ) {
    const { bytes, count: n } = renderer.render(first + done, Math.min(step, count - done))
    parts.push(Buffer.from(bytes))
    done += n
  }
  return Buffer.concat(parts)
}

const linesOf = (log: Buffer) => log.toString('latin1').split('\n').slice(0, -1)

const fingerprints: Readonly<Record<Format, readonly string[]>> = {
  combined: ['d0ce6ea1939950f2', 'd9b905a1825f37c5', 'ffa791c17146580d', '10712534ad7883e4'],
  common: ['82fdb8f3b92e730d', '1d1a232071d67272', '07b144332def6a14', 'e0a22b680c3cea04'],
  json: ['cab0deac8cd7ae8f', '4f1f1bbfebc5fe19', '6bdf9701aee565c1', '8db693150a6a4e1e'],
}

/** The beginning, a block's border, around 2^32, and ten years on. */
const pinned = [0, blockRecords - 50, 2 ** 32 - 50, 60_000_000_000]

for (const format of formats) {
  test(`the bytes of a ${format} stream are the ones they were when pinned`, () => {
    const renderer = new Renderer(web(format, { seed: '18446744073709551615' }))
    const actual = pinned.map((first) =>
      createHash('sha256')
        .update(rendered(renderer, first, 3000))
        .digest('hex')
        .slice(0, 16),
    )
    assert.equal(actual, fingerprints[format])
  })

  test(`any range of a ${format} stream, in any order and any steps, equals the slice of the whole`, () => {
    const length = 3 * blockRecords
    const whole = linesOf(rendered(new Renderer(web(format)), 0, length))
    const roaming = new Renderer(web(format))
    fc.assert(
      fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 700 }), (first, wanted, step) => {
        const count = Math.min(wanted, length - first)
        const lines = linesOf(rendered(roaming, first, count, step))
        assert.is(lines.join('\n'), whole.slice(first, first + count).join('\n'))
      }),
      { numRuns: 60 },
    )
  })
}

test('a small buffer ends a call early and changes no byte', () => {
  const whole = rendered(new Renderer(web('json')), 5000, 5000)
  assert.ok(whole.equals(rendered(new Renderer(web('json'), longestLineBytes), 5000, 5000)))
})

test('two instances, and another seed: the same bytes, and other ones', () => {
  const one = rendered(new Renderer(web('combined')), 12_345, 100)
  assert.ok(one.equals(rendered(new Renderer(web('combined')), 12_345, 100)))
  assert.not.ok(one.equals(rendered(new Renderer(web('combined', { seed: '2' })), 12_345, 100)))
})

test('a cursor hands out fresh buffers of whole lines, and counts them', async () => {
  const source = openSource(web('combined'))
  const cursor = await source.open(7)
  const first = await cursor.next(10)
  const second = await cursor.next(10)
  assert.is(first?.count, 10)
  assert.is(cursor.position, 27)
  assert.is.not(first?.lines.buffer, second?.lines.buffer)
  const both = Buffer.concat([first?.lines ?? Buffer.alloc(0), second?.lines ?? Buffer.alloc(0)])
  assert.ok(both.equals(rendered(new Renderer(web('combined')), 7, 20)))
  assert.is(await source.length(), undefined)
  await cursor.close()
})

const combinedLine =
  /^([0-9a-f.:]+) - (-|[a-z0-9.]+) \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d) \+0000\] "(GET|HEAD|POST|OPTIONS) (\/[^ "\\]*) HTTP\/1\.[01]" (\d{3}) (-|[1-9]\d*)(?: "([^"\\]+)" "([^"\\]+)")?$/

interface Fields {
  readonly address: string
  readonly user: string
  readonly time: number
  readonly method: string
  readonly path: string
  readonly status: number
  readonly size: number
  readonly referrer: string
  readonly agent: string
}

function fieldsOf(line: string): Fields {
  const found = combinedLine.exec(line)
  if (found === null) throw new Error(`not a line of combined format: ${line}`)
  const [, address = '', user = '', time = '', method = '', path = '', status = '', size = '', referrer = '-', agent = '-'] = found
  const at = Date.parse(`${time.replace(':', ' ').replaceAll('/', ' ')} +0000`)
  return { address, user, time: at, method, path, status: Number(status), size: size === '-' ? 0 : Number(size), referrer, agent }
}

test('the three formats tell the same records', () => {
  const count = 20_000
  const combined = linesOf(rendered(new Renderer(web('combined')), 500_000, count))
  const common = linesOf(rendered(new Renderer(web('common')), 500_000, count))
  const json = linesOf(rendered(new Renderer(web('json')), 500_000, count))
  const none = (text: string) => (text === '-' ? '' : text)
  for (let i = 0; i < count; i++) {
    const line = combined[i] ?? ''
    const fields = fieldsOf(line)
    assert.ok(line.startsWith(`${common[i]} "`))
    const told = JSON.parse(json[i] ?? '') as Record<string, unknown>
    assert.equal(told, {
      time_iso8601: new Date(fields.time).toISOString().replace('.000Z', '+00:00'),
      remote_addr: fields.address,
      remote_user: none(fields.user),
      request: /"([^"]*)"/.exec(line)?.[1],
      status: fields.status,
      body_bytes_sent: fields.size,
      http_referer: none(fields.referrer),
      http_user_agent: none(fields.agent),
    })
  }
})

test('addresses are IPv4 and IPv6 in canonical form', () => {
  let v6 = 0
  for (const { address } of linesOf(rendered(new Renderer(web('common')), 0, 50_000)).map(fieldsOf)) {
    if (address.includes(':')) v6++
    const url = new URL(address.includes(':') ? `http://[${address}]/` : `http://${address}/`)
    assert.is(url.hostname.replace(/[[\]]/g, ''), address)
  }
  assert.ok(v6 > 500 && v6 < 10_000, `${v6} IPv6`)
})

test('size and status belong to the path; what is not modified has no size', () => {
  const sizes = new Map<string, number>()
  for (const { method, path, status, size } of linesOf(rendered(new Renderer(web('common')), 0, 300_000)).map(fieldsOf)) {
    if (status === 304 || method === 'HEAD') assert.is(size, 0)
    if (method !== 'GET' || status === 304 || status === 206) continue
    const belongs = sizes.get(`${path} ${status}`)
    if (belongs !== undefined) assert.is(size, belongs, path)
    sizes.set(`${path} ${status}`, size)
  }
})

test('a login event is POST /login with status 302: below 1% of the records, and its visitor is known afterwards', () => {
  const records = linesOf(rendered(new Renderer(web('common')), 0, 200_000)).map(fieldsOf)
  const logins = records.flatMap(({ method, path, status }, i) => (method === 'POST' && path === '/login' && status === 302 ? [i] : []))
  assert.ok(logins.length > 0 && logins.length < 2000, `${logins.length} logins`)
  assert.ok(records.some(({ method, path, status }) => method === 'POST' && path === '/login' && status === 401))
  const followed = logins.filter((i) => records.slice(i + 1, i + 2000).some((r) => r.address === records[i]?.address && r.user !== '-'))
  // Only a login just before a block's border has no afterwards.
  assert.ok(followed.length > logins.length * 0.95, `${followed.length} of ${logins.length}`)
})

test('at least 100,000 distinct URLs, some with a query', () => {
  const paths = new Set<string>()
  const renderer = new Renderer(web('common'))
  for (let first = 0; first < 8_000_000 && paths.size < 100_000; first += 100_000) {
    for (const line of linesOf(rendered(renderer, first, 100_000))) paths.add(line.slice(line.indexOf(' /') + 1, line.indexOf(' HTTP/')))
  }
  assert.ok(paths.size >= 100_000, `${paths.size} distinct`)
  assert.ok([...paths].some((path) => path.includes('?q=')))
})

test('record 0 has the start time, time never steps back, and a day has its records', () => {
  for (const startMs of [Date.UTC(2026, 0, 1), Date.UTC(2024, 1, 28, 15, 59, 31), Date.UTC(1969, 11, 31, 23, 0, 1)]) {
    for (const recordsPerDay of [1, 86_400, 999_983, 15_000_000, 1e11]) {
      const at = { startMs, recordsPerDay }
      assert.is(recordTimeMs(at, 0), startMs)
      const day = recordTimeMs(at, recordsPerDay) - startMs
      assert.is(day, 86_400_000)
      fc.assert(
        fc.property(fc.nat(2 ** 31), (position) => {
          const later = recordTimeMs(at, position + 1)
          assert.ok(recordTimeMs(at, position) <= later)
        }),
        { numRuns: 50 },
      )
    }
  }
})

test('lines carry the time of their position', () => {
  fc.assert(
    fc.property(fc.nat(10 ** 7), fc.constantFrom(10, 86_400, 15_000_000), (first, recordsPerDay) => {
      const spec = web('common', { recordsPerDay, startMs: Date.UTC(2024, 1, 28, 15, 59, 31) })
      const times = linesOf(rendered(new Renderer(spec), first, 40)).map((line) => fieldsOf(line).time)
      times.forEach((time, i) => {
        assert.is(time, recordTimeMs(spec, first + i))
      })
    }),
    { numRuns: 20 },
  )
})

test('the first position of an instant is the one whose time has come', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 1000, 86_400, 15_000_000), fc.nat(200 * 86_400), (recordsPerDay, second) => {
      const at = { startMs: Date.UTC(2026, 0, 31, 17, 30, 1), recordsPerDay }
      const timeMs = at.startMs + second * 1000
      const position = firstPositionAt(at, timeMs)
      assert.ok(recordTimeMs(at, position) >= timeMs)
      assert.ok(position === 0 || recordTimeMs(at, position - 1) < timeMs)
    }),
    { numRuns: 100 },
  )
  assert.is(firstPositionAt({ startMs: 5000, recordsPerDay: 10 }, 0), 0)
})

test('the rate follows the time of day', () => {
  const at = { startMs: Date.UTC(2026, 0, 1), recordsPerDay: 24_000 }
  const hours = new Array<number>(24).fill(0)
  for (let position = 0; position < 24_000; position++) {
    const hour = new Date(recordTimeMs(at, position)).getUTCHours()
    hours[hour] = (hours[hour] ?? 0) + 1
  }
  assert.ok((hours[15] ?? 0) > 2 * (hours[3] ?? 0), hours.join(' '))
})

test('months are those that the first and the last record fall into, and all between', () => {
  const months = (first: number, count: number) =>
    openSource(web('combined', { startMs: Date.UTC(2025, 10, 30), recordsPerDay: 1000 })).months(first, count)
  assert.equal(months(0, 0), [])
  assert.equal(months(0, 1000), ['2025-11'])
  assert.equal(months(0, 1001), ['2025-11', '2025-12'])
  assert.equal(months(500, 62_000), ['2025-11', '2025-12', '2026-01'])
  assert.equal(months(1000, 31_000), ['2025-12'])
})

test('the mean length of a line is near that of any long range', async () => {
  for (const format of formats) {
    const mean = await openSource(web(format)).meanLineBytes()
    const count = 100_000
    const actual = rendered(new Renderer(web(format, { seed: '99' })), 10 ** 9, count).length / count
    assert.ok(Math.abs(actual / mean - 1) < 0.01, `${format}: ${actual} and ${mean}`)
  }
})

test('a spec out of range says which part, and what the range is', () => {
  assert.throws(() => openSource(web('combined', { profile: 'wbe' })), /profile "wbe" is unknown; there is web/)
  assert.throws(() => openSource(web('combined', { seed: '18446744073709551616' })), /seed .* is not a whole number from 0/)
  assert.throws(() => openSource(web('combined', { startMs: 500 })), /not a whole second/)
  assert.throws(() => openSource(web('combined', { recordsPerDay: 0.5 })), /records a day/)
})

test.run()
