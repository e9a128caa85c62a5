/** The k6 extension renders the very bytes that Node does, cuts segments as Weir does, and keeps a ledger; k6 is built for it. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profileNamed } from '../../generators/profiles.js'
import { formats } from '../../generators/record.js'
import { Renderer } from '../../generators/renderer.js'
import { segment } from '../../generators/segment.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const needsGo = spawnSync('go', ['version']).status === 0 ? undefined : 'Go'
const k6 = join(root, 'dist/k6')
let built = false

/** What a script prints as its summary: a JSON document. */
function summaryOf(script: string): unknown {
  if (!built) {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build-k6.mjs'], { cwd: root, encoding: 'utf8' })
    assert.is(status, 0, stderr)
    built = true
  }
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-k6-'))
  try {
    const file = join(folder, 'script.js')
    writeFileSync(file, `import * as weir from 'k6/x/weir'\nimport { sha256 } from 'k6/crypto'\n${script}`)
    const { status, stdout, stderr } = spawnSync(k6, ['run', '--quiet', '--no-usage-report', file], { cwd: folder, encoding: 'utf8' })
    assert.is(status, 0, stderr)
    return JSON.parse(stdout)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('the module has a name that xk6 takes: it wants a dot in its first part', () => {
  const [, name = ''] = /^module (\S+)$/m.exec(readFileSync(join(root, 'scenarios/k6/extension/go.mod'), 'utf8')) ?? []
  assert.match(name, /^[a-z0-9-]+\.[a-z0-9.-]+\//)
  assert.match(readFileSync(join(root, 'scenarios/k6/README.md'), 'utf8'), `--with ${name}=./scenarios/k6/extension`)
})

function check(name: string, body: () => void): void {
  if (needsGo === undefined) test(name, body)
  else test.skip(`${name} (needs ${needsGo})`, () => undefined)
}

/** The beginning, around 2^32, and ten years on; more at once than fits the renderer's buffer. */
const places = [0, 2 ** 32 - 50, 60_000_000_000]
const count = 9000

check('lines are those that Node renders, in every format', () => {
  const seed = '18446744073709551615'
  const seen = summaryOf(`
    export default () => undefined
    export const handleSummary = () => ({ stdout: JSON.stringify(${JSON.stringify(formats)}.map((format) =>
      ${JSON.stringify(places)}.map((first) => sha256(weir.lines('${seed}', first, ${count}, format), 'hex')))) })`)
  const expected = formats.map((format) => {
    const renderer = new Renderer({ kind: 'stream', source: 1, profile: 'web', seed, format, ...profileNamed('web').defaults })
    return places.map((first) => {
      const hash = createHash('sha256')
      for (let done = 0; done < count; ) {
        const rendered = renderer.render(first + done, count - done)
        hash.update(rendered.bytes)
        done += rendered.count
      }
      return hash.digest('hex')
    })
  })
  assert.equal(seen, expected)
})

check('a stream may begin at another time and be as dense as one likes', () => {
  const startMs = Date.UTC(2027, 2, 4)
  const seen = summaryOf(`
    export default () => undefined
    export const handleSummary = () => ({ stdout: JSON.stringify(
      sha256(weir.lines(7, 5, 100, 'combined', { startMs: ${startMs}, recordsPerDay: 1000 }), 'hex')) })`)
  const renderer = new Renderer({ kind: 'stream', source: 1, profile: 'web', seed: '7', format: 'combined', startMs, recordsPerDay: 1000 })
  assert.is(seen, createHash('sha256').update(renderer.render(5, 100).bytes).digest('hex'))
})

check('segments are cut as everywhere in Weir', () => {
  const lengths = [0, 7, 200_000, 2 ** 53 - 1]
  const cuts = [1, 2, 3, 64].flatMap((of) => [1, of].flatMap((index) => lengths.map((length) => ({ length, index, of }))))
  const seen = summaryOf(`
    export default () => undefined
    export const handleSummary = () => ({ stdout: JSON.stringify(
      ${JSON.stringify(cuts)}.map(({ length, index, of }) => weir.segment(index, of, length))) })`)
  assert.equal(
    seen,
    cuts.map(({ length, index, of }) => segment(length, index, of)),
  )
})

check('what virtual users note of their records comes together in the summary', () => {
  const seen = summaryOf(`
    export const options = { vus: 4, iterations: 40 }
    export default function () {
      const first = __VU * 1000 + __ITER * 10
      weir.note('accepted', first, 9)
      weir.note('failed', first + 9, 1)
    }
    export const handleSummary = () => ({ stdout: JSON.stringify(weir.noted()) })`) as Record<string, { first: number; count: number }[]>
  const total = (fate: string) => seen[fate]?.reduce((sum, { count: records }) => sum + records, 0)
  assert.equal([total('accepted'), total('failed')], [360, 40])
  assert.ok(seen['failed']?.every(({ first, count: records }) => first % 10 === 9 && records === 1))
})

check('a virtual user knows how long ago its scenario began; before and after there is none', () => {
  const seen = summaryOf(`
    import { Trend } from 'k6/metrics'
    const since = new Trend('since', true)
    export const options = { scenarios: { later: { executor: 'shared-iterations', vus: 2, iterations: 4, startTime: '300ms' } } }
    export default () => since.add(weir.sinceStartMs())
    export const handleSummary = ({ metrics }) => {
      let said = 'nothing'
      try { weir.sinceStartMs() } catch (error) { said = String(error) }
      return { stdout: JSON.stringify({ min: metrics.since.values.min, max: metrics.since.values.max, said }) }
    }`) as { readonly min: number; readonly max: number; readonly said: string }
  assert.ok(seen.min > 0 && seen.min <= seen.max && seen.min < 300, `${seen.min} to ${seen.max} ms`)
  assert.match(seen.said, /no scenario has begun/)
})

check('what makes no sense is refused with a sentence', () => {
  const seen = summaryOf(`
    const said = (act) => { try { act(); return 'nothing' } catch (error) { return String(error) } }
    export default () => undefined
    export const handleSummary = () => ({ stdout: JSON.stringify([
      said(() => weir.lines('x', 0, 1)), said(() => weir.lines(1, 0, 1, 'foo')), said(() => weir.lines(1, -1, 1)),
      said(() => weir.lines(1, 0, 1, 'combined', { startMs: 5 })), said(() => weir.segment(4, 3, 100)), said(() => weir.note('gone', 0, 1)),
    ]) })`) as string[]
  const expected = [
    /seed "x" is not a whole number/,
    /format "foo" is unknown/,
    /there are no 1 records from -1 on/,
    /not a whole second/,
    /no share 4 of 3/,
    /"gone"/,
  ]
  assert.is(seen.length, expected.length)
  for (const [i, pattern] of expected.entries()) assert.match(seen[i] ?? '', pattern)
})

test.run()
