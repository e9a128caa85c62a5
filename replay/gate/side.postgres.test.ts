/** The process of a build, as a gate uses it, on a real Postgres: opened, measured, audited, ended; and builds that are none. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profileNamed } from '../../generators/profiles.js'
import { EmbeddedServer } from '../../stores/postgres/embedded.js'
import { ownBuild } from './builds.js'
import type { SideSpec } from './protocol.js'
import { GateRefusedError, SideError, SideProcess } from './side-process.js'

let server: EmbeddedServer
let folder: string

test.before(async () => {
  server = await EmbeddedServer.start({ durability: 'process' })
  folder = mkdtempSync(join(tmpdir(), 'weir-gate-test-'))
})
test.after(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const specOf = (schema: string, different: Partial<SideSpec> = {}): SideSpec => ({
  target: 'single-thread',
  options: {},
  store: server.url,
  schema,
  source: { kind: 'stream', source: 1, profile: 'web', seed: '1', format: 'combined', ...profileNamed('web').defaults },
  layout: { partitionKey: 'id', partitions: 4 },
  scratch: join(folder, schema),
  ...different,
})

async function schemas(): Promise<readonly string[]> {
  return (await server.runs()).map(({ schema }) => schema)
}

test('a side says what it is, measures blocks, audits them, and leaves nothing', async () => {
  const { side, facts } = await SideProcess.open(ownBuild(), specOf('weir_gate_one', { options: { batchRecords: 1000 } }), folder)
  try {
    assert.is(facts.options['batchRecords'], 1000)
    assert.is(facts.unit, 1000)
    assert.is(facts.durability, 'process')
    assert.match(facts.workload, /^[0-9a-f]{64}$/)
    for (const records of [3000, 5000]) {
      const block = await side.ask({ do: 'block', records })
      assert.is(block.records, records)
      assert.is(block.failed, 0)
      assert.ok(block.elapsedMs > 0 && block.cpuSeconds > 0)
    }
    const { audit, findings, ledger } = await side.ask({ do: 'audit' })
    assert.is(audit?.offered, 8000)
    assert.is(audit?.stored, 8000)
    assert.equal(findings, [])
    assert.equal(ledger, { settledTwice: 0, neverOffered: 0 })
  } finally {
    await side.close()
  }
  assert.equal(await schemas(), [])
})

test('what is lost between two blocks is found by the audit', async () => {
  const { side } = await SideProcess.open(ownBuild(), specOf('weir_gate_two'), folder)
  try {
    await side.ask({ do: 'block', records: 2000 })
    await server.drop('weir_gate_two')
    const answer = await side.ask({ do: 'audit' }).catch((error: unknown) => error)
    assert.ok(answer instanceof SideError || (answer as { audit: { lost: number } }).audit.lost === 2000)
  } finally {
    await side.close()
  }
})

test('a target that this build does not have is an error of that side, and nothing stays', async () => {
  const failure = await SideProcess.open(ownBuild(), specOf('weir_gate_three', { target: 'nothing' }), folder).catch(
    (error: unknown) => error,
  )
  assert.instance(failure, SideError)
  assert.match((failure as Error).message, 'no target nothing')
  assert.equal(await schemas(), [])
})

for (const [what, program, said] of [
  [
    'another protocol',
    `process.stdin.once('data', () => console.log(JSON.stringify({ ok: false, protocol: 99, error: 'no' })))`,
    'version 99',
  ],
  ['no such command', `console.error('weir: unknown command "side"'); process.exit(2)`, 'does not know the command'],
  [
    'other words',
    `console.log('hello'); setInterval(() => {}, 1000); process.stdin.on('end', () => process.exit(0)).resume()`,
    'something else',
  ],
] as const) {
  test(`a build with ${what} is refused with a sentence`, async () => {
    const main = join(folder, `${what.replaceAll(' ', '-')}.mjs`)
    writeFileSync(main, program)
    const refusal = await SideProcess.open({ name: 'base', main }, specOf('weir_gate_four'), folder).catch((error: unknown) => error)
    assert.instance(refusal, GateRefusedError)
    assert.match((refusal as Error).message, said)
  })
}

test('a side that dies is told from one that refuses', async () => {
  mkdirSync(join(folder, 'dies'), { recursive: true })
  const main = join(folder, 'dies', 'main.mjs')
  writeFileSync(main, `console.error('out of luck'); process.exit(7)`)
  const failure = await SideProcess.open({ name: 'base', main }, specOf('weir_gate_five'), folder).catch((error: unknown) => error)
  assert.instance(failure, SideError)
  assert.match((failure as Error).message, /status 7.*out of luck/s)
})

test.run()
