/** weir capacity as a user meets it, on an embedded Postgres and with a budget of seconds. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { conditions, outcomes } from '../results/capacity/decision.js'
import { type CapacityResult, searchEnds } from '../results/capacity/report.js'
import { renderCapacities } from '../results/capacity/table.js'
import { weir, weirUntil } from './weir.js'

const schemaOf = (name: string) => JSON.parse(readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8'))
const schema = schemaOf('capacity.schema.json')
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true, strictTypes: false })
addFormats.default(ajv)
ajv.addSchema(schemaOf('result.schema.json'))
const validate = ajv.compile(schema)

function accepted(text: string): CapacityResult {
  const document: unknown = JSON.parse(text)
  assert.ok(validate(document), ajv.errorsText(validate.errors))
  return document as CapacityResult
}

const test = suite<{ out: string }>('weir capacity')
test.before.each((context) => {
  context.out = mkdtempSync(join(tmpdir(), 'weir-capacity-test-'))
})
test.after.each(({ out }) => rmSync(out, { recursive: true, force: true }))

const small = ['--batch-records', '4000', '--linger-ms', '20']
const common = ['-t', 'single-thread', '-s', 'postgres', ...small, '--p99', '2s', '--precision', '20%', '--json']

test('a search on Postgres finds a rate, and every record of every probe is there', ({ out }) => {
  const { status, stdout, stderr } = weir(['capacity', ...common, '--budget', '6s', '--out', out])
  assert.is(status, 0, stderr)
  const result = accepted(stdout)
  const [file = ''] = readdirSync(out)
  assert.match(file, /^\d{8}T\d{6}Z-capacity-steady-[0-9a-f]{8}\.json$/)
  assert.equal(accepted(readFileSync(join(out, file), 'utf8')), result)

  const [capacity] = result.capacities
  if (capacity === undefined) throw new Error('there is no capacity')
  const { recordsPerSecond, interval, fullSpeed, audit, groups, probes } = capacity
  if (recordsPerSecond === null || interval === null || fullSpeed === null || audit === null) throw new Error(stdout)
  assert.ok(recordsPerSecond > 1000)
  assert.ok(interval.low < recordsPerSecond && recordsPerSecond < interval.high)
  assert.is(audit.lost + audit.duplicated + audit.corrupted + audit.misplaced + audit.failed, 0)
  assert.is(audit.offered, audit.stored + audit.rejected)
  assert.is(
    audit.offered,
    groups.reduce((sum, { records }) => sum + records, 0),
  )
  assert.ok(probes.length >= 4)
  assert.is(capacity.latencies.length, 3)

  const { measured, interval: around, sample } = result.baseline
  if (measured === null || around === undefined) throw new Error('the baseline has no interval')
  assert.ok(sample > 0 && around.low < measured && measured < around.high)
  assert.is(capacity.timesMeasured, recordsPerSecond / measured)
  assert.is(capacity.timesPublished, recordsPerSecond / 622)

  const text = renderCapacities(result, { tty: false, columns: 160, verbose: true })
  assert.match(text, 'x published 622')
  assert.match(text, 'x measured baseline')
  assert.match(text, /single-thread on postgres sustains [\d,]+ records\/s, 95% interval/)
  assert.is(text.match(/ for sustained/g)?.length, probes.length)
})

test('an interrupt prints and keeps what was found, and leaves nothing behind', async ({ out }) => {
  const { status, stdout } = await weirUntil(
    ['capacity', ...common, '--budget', '60s', '--out', out],
    'stderr',
    (child) => child.kill('SIGINT'),
    { when: 'probe 2' },
  )
  assert.is(status, 130)
  const [capacity] = accepted(stdout).capacities
  assert.is(capacity?.verdict, 'interrupted')
  assert.is(capacity?.end, 'interrupted')
  assert.ok((capacity?.probes.length ?? 0) >= 1)
  assert.is(readdirSync(out).length, 1)
})

test('a target that cannot use the store is refused, and so is a limit that is none', ({ out }) => {
  const unusable = weir(['capacity', '-t', 'multi-instance', '-s', 'null', '--budget', '2s', '--out', out])
  assert.is(unusable.status, 2, unusable.stderr)
  assert.match(unusable.stderr, /multi-instance cannot run on the store null: /)
  assert.match(weir(['capacity', '--p99', 'fast']).stderr, '--p99: "fast" is not')
  assert.match(weir(['capacity', '--precision', '0%']).stderr, '--precision: ')
})

test('the published schema knows every word that a document can hold', () => {
  assert.equal(schema.$defs.outcome.enum, outcomes)
  assert.equal(schema.$defs.condition.enum, conditions)
  assert.equal(schema.$defs.capacity.properties.end.enum, searchEnds)
})

test.run()
