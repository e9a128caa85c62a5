/** Writing: whole or not at all, and a document that its published schema accepts. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rank } from './rank.js'
import { bounds, durabilities, findingKinds, type Result, verdicts } from './result.js'
import { sampleAudit, sampleLatency, sampleResult, sampleRun } from './sample.js'
import { defaultFolder, fileName, serialize, writeResult } from './write.js'

const schema = JSON.parse(readFileSync(fileURLToPath(new URL('../../docs/result.schema.json', import.meta.url)), 'utf8'))
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true, strictTypes: false })
addFormats.default(ajv)
const validate = ajv.compile(schema)

function accepts(document: unknown): void {
  assert.ok(validate(document), ajv.errorsText(validate.errors))
}

const runs = [sampleRun('a', [100, 101, 102]), sampleRun('b', [200, 201, 205])]
const full: Result = { ...sampleResult(runs), ranking: rank(runs) }

const test = suite<{ folder: string }>('writing a result')
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-results-'))
})
test.after.each((context) => rmSync(context.folder, { recursive: true, force: true }))

test('the file is named by time, scenario and content, and nothing else is left beside it', async ({ folder }) => {
  const path = await writeResult(full, join(folder, 'new', 'runs'))
  assert.match(path, /20260301T123456Z-steady-[0-9a-f]{8}\.json$/)
  assert.equal(readdirSync(join(folder, 'new', 'runs')), [path.slice(path.lastIndexOf('/') + 1)])
  assert.equal(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(serialize(full)))
  assert.is(defaultFolder, join('results', 'runs'))
})

test('a name cannot leave the folder, and another content has another name', () => {
  const strange = sampleResult([sampleRun('a', [1], { scenario: '../../etc/Month End!' })])
  assert.match(fileName(strange), /^20260301T123456Z-etc-month-end-[0-9a-f]{8}\.json$/)
  assert.match(fileName(sampleResult([])), /-none-[0-9a-f]{8}\.json$/)
  assert.is.not(fileName(full), fileName({ ...full, configuration: { records: 2 } }))
})

test('a folder that cannot be is a clear error and leaves nothing', async ({ folder }) => {
  writeFileSync(join(folder, 'file'), '')
  const error: unknown = await writeResult(full, join(folder, 'file', 'runs')).catch((reason: unknown) => reason)
  assert.instance(error, Error)
  assert.match((error as Error).message, /cannot write the result to .*file.*--out/s)
  assert.equal(readdirSync(folder), ['file'])
})

test('a number that JSON cannot say is an error with its place, not a null', () => {
  const [run] = runs
  const wrong = sampleResult(run ? [{ ...run, throughput: { ...run.throughput, timesMeasured: Number.NaN } }] : [])
  assert.throws(() => serialize(wrong), /result\.runs\[0\]\.throughput\.timesMeasured is NaN/)
})

test('the schema accepts full documents and every edge', () => {
  accepts(JSON.parse(serialize(full)))
  accepts(JSON.parse(serialize(sampleResult([]))))
  const nothing = { recordsPerSecond: 0, bytesPerSecond: 0, timesPublished: 0, timesMeasured: null, interval: null }
  const edges = [
    sampleRun('null-store', [1e6], {
      store: 'null',
      durability: 'none',
      audit: null,
      latency: null,
      latencyLeg: undefined,
      storeFacts: undefined,
    }),
    sampleRun('failed', [1], { verdict: 'failed', throughput: nothing, latency: null, audit: null, blocks: [], error: { message: 'x' } }),
    sampleRun('interrupted', [1], { verdict: 'interrupted', throughput: nothing, latency: null, audit: null, cpu: undefined }),
    sampleRun('unsound', [1], {
      verdict: 'unsound',
      audit: sampleAudit(5, { unexpected: 1, rowsPerSecond: 5e5 }),
      findings: [{ kind: 'unexpected', source: 0, position: -1, found: 'row', leg: 'latency' }],
    }),
    sampleRun('rich', [1, 2], {
      latency: { ...sampleLatency(5, 1), intervals: null, generatorLag: { p99: 0.1, max: 2 } },
      memory: { weirBytes: 1e8 },
      copiedBytesPerRecord: null,
      partitions: [{ name: 'p', rows: 1, bytes: 2 }],
      partitionSkew: 1.2,
      counters: { conflicts: 3 },
      options: { workers: 2, fast: true },
      storedPerSecond: [1, 2],
    }),
  ]
  accepts(
    JSON.parse(
      serialize(
        sampleResult(edges, { baseline: { published: 622, measured: null, sample: 0 }, calibration: { nullRecordsPerSecond: null } }),
      ),
    ),
  )
})

test('the schema allows further fields and names the same words as the types', () => {
  accepts({ ...JSON.parse(serialize(full)), anotherField: { deep: true } })
  assert.equal(schema.$defs.verdict.enum, [...verdicts])
  assert.equal(schema.$defs.durability.enum, [...durabilities])
  assert.equal(schema.$defs.bound.properties.by.enum, [...bounds])
  assert.equal(schema.$defs.finding.properties.kind.enum, [...findingKinds])
})

test('the schema refuses what would break a reader', () => {
  const broken = (change: (document: Record<string, never>) => void) => {
    const document = JSON.parse(serialize(full))
    change(document)
    assert.not(validate(document), `${change}`)
  }
  type Loose = Record<string, unknown> & { runs: Record<string, unknown>[]; baseline: Record<string, unknown> }
  const edit = (change: (document: Loose) => void) => broken((document) => change(document as unknown as Loose))
  edit((document) => {
    document.schema = 2
  })
  edit((document) => {
    delete document.calibration
  })
  edit((document) => {
    delete document.baseline.measured
  })
  for (const field of ['target', 'verdict', 'durability', 'throughput', 'latency', 'audit', 'workloadHash'])
    edit((document) => {
      delete document.runs[0]?.[field]
    })
  edit((document) => {
    Object.assign(document.runs[0] ?? {}, { verdict: 'fine' })
  })
  edit((document) => {
    Object.assign(document.runs[0] ?? {}, { audit: sampleAudit(5, { lost: -1 }) })
  })
  edit((document) => {
    Object.assign(document.runs[0] ?? {}, { latency: { rate: 5, p50: 1 } })
  })
  edit((document) => {
    Object.assign(document.runs[0] ?? {}, { verdict: 'failed' })
  })
})

test.run()
