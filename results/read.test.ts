/** Reading results back: what is whole, and a sentence for everything that is not. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseResult, readFolder, readResult } from './read.js'
import type { Result } from './result.js'
import { sampleResult, sampleRun } from './sample.js'
import { serialize } from './write.js'

const whole = serialize(sampleResult([sampleRun('worker-pool', [100, 110])]))

/** The message for a document in which a field was changed or, for undefined, taken out. */
function complaint(change: (document: { [field: string]: unknown }) => void): string {
  const document = JSON.parse(whole) as { [field: string]: unknown }
  change(document)
  return complaintOf(JSON.stringify(document))
}

function complaintOf(text: string): string {
  try {
    parseResult(text, 'a.json')
  } catch (error) {
    return (error as Error).message
  }
  return 'none'
}

test('what was written is read back', () => {
  assert.equal(parseResult(whole, 'a.json'), JSON.parse(whole))
  assert.is(
    complaint((document) => {
      document['something new'] = 1
    }),
    'none',
  )
})

test('what is no result says so', () => {
  assert.is(complaintOf(''), 'a.json is empty')
  assert.is(complaintOf('  \n'), 'a.json is empty')
  assert.is(complaintOf(whole.slice(0, -20)), 'a.json is cut short: the JSON does not come to its end')
  assert.is(complaintOf('hello'), 'a.json is no JSON')
  assert.is(complaintOf('{"a":1,,}'), 'a.json is no JSON')
  for (const other of ['{}', '[]', 'null', '3', '{"name":"weirbench"}', '{"schema":1}']) {
    assert.is(complaintOf(other), 'a.json is JSON, but no result of weir run')
  }
})

test('another schema is named with what to do', () => {
  const schema = (value: unknown) =>
    complaint((document) => {
      document['schema'] = value
    })
  assert.is(schema(2), 'a.json was written by a newer weir: its schema is 2, this version reads 1; update weir')
  assert.is(schema(0), 'a.json has schema 0, this version reads 1')
  assert.is(schema('one'), 'a.json is no result of weir run: its schema is "one"')
})

test('a damaged field is named by its place', () => {
  type Documents = { runs: { [field: string]: unknown }[]; [field: string]: unknown }
  const damaged = (change: (document: Documents) => void) => complaint(change as never)
  const cases: readonly (readonly [(document: Documents) => void, string])[] = [
    [(document) => delete document['createdAt'], 'createdAt is missing'],
    [(document) => Object.assign(document, { createdAt: 'yesterday' }), 'createdAt is no date'],
    [(document) => Object.assign(document, { runs: {} }), 'runs is no list'],
    [(document) => Object.assign(document, { label: 3 }), 'label is no text'],
    [(document) => Object.assign(document, { runs: [null] }), 'runs[0] is no object'],
    [(document) => Object.assign(document.runs[0] ?? {}, { verdict: 'great' }), 'runs[0].verdict is none of ok, '],
    [
      (document) => Object.assign(document.runs[0] ?? {}, { throughput: { timesMeasured: null } }),
      'runs[0].throughput.recordsPerSecond is missing',
    ],
    [(document) => Object.assign(document.runs[0] ?? {}, { latency: { rate: 1, p50: 2 } }), 'runs[0].latency.p99 is missing'],
    [(document) => Object.assign(document.runs[0] ?? {}, { audit: { lost: '0' } }), 'runs[0].audit.lost is no number'],
    [(document) => Object.assign(document.runs[0] ?? {}, { blocks: [{ index: 0 }] }), 'runs[0].blocks[0].records is missing'],
    [(document) => delete document.runs[0]?.['workloadHash'], 'runs[0].workloadHash is missing'],
  ]
  for (const [change, expected] of cases) assert.match(damaged(change), `a.json is damaged: ${expected}`)
})

test('a folder is read in the order of time, and broken files are named beside the others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-read-test-'))
  try {
    const at = (createdAt: string): string => serialize(sampleResult([sampleRun('a', [1, 2])], { createdAt } satisfies Partial<Result>))
    writeFileSync(join(folder, '1.json'), at('2026-03-02T00:00:00.000Z'))
    writeFileSync(join(folder, '2.json'), at('2026-03-01T00:00:00.000Z'))
    writeFileSync(join(folder, '3.json'), '{"schema"')
    writeFileSync(join(folder, 'notes.txt'), 'no result')
    writeFileSync(join(folder, '.4.json'), 'being written')
    mkdirSync(join(folder, '5.json'))
    writeFileSync(join(folder, '20260301T123456Z-capacity-steady-01234567.json'), '{"schema":1,"kind":"capacity"}')
    const { results, broken } = await readFolder(folder)
    assert.equal(
      results.map(({ file }) => file),
      [join(folder, '2.json'), join(folder, '1.json')],
    )
    assert.equal(broken, [
      { file: join(folder, '3.json'), reason: 'is cut short: the JSON does not come to its end' },
      { file: join(folder, '5.json'), reason: 'cannot be read: it is a folder' },
    ])
    const failing = async (reading: Promise<unknown>, message: string) =>
      assert.match(
        await reading.then(
          () => 'none',
          (error: Error) => error.message,
        ),
        message,
      )
    await failing(readResult(join(folder, 'none.json')), 'none.json cannot be read: there is nothing of that name')
    await failing(readFolder(join(folder, '1.json')), '1.json is a file; name the folder that it lies in')
    await failing(readFolder(join(folder, 'none')), 'none cannot be read: there is nothing of that name')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
