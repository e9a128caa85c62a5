/** weir run and verify on the embedded Postgres, as a user meets them: a real log, a sound document, planted damage, an end by signal. */

import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Audit, Result } from '../results/result.js'
import { isInstalled } from '../stores/clickhouse/embedded.js'
import { connect } from '../stores/postgres/connect.js'
import { EmbeddedServer } from '../stores/postgres/embedded.js'
import { leafTable, rowTable } from '../stores/postgres/layout.js'
import { weir, weirUntil } from './weir.js'

/** A folder for temporary files, as open as /tmp since Postgres may run as another user, gone afterwards. */
async function inFolder(use: (folder: string) => unknown): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-postgres-test-'))
  chmodSync(folder, 0o1777)
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function counts({ offered, stored, rejected, lost, duplicated, corrupted, misplaced }: Audit): readonly number[] {
  return [offered, stored, rejected, lost, duplicated, corrupted, misplaced]
}

test('a run of three architectures is sound and fits its published schema', () => {
  const { status, stdout, stderr } = weir(['run', '-s', 'postgres', '-n', '40k', '--json', '--partition-key', 'address'])
  assert.is(status, 0, stderr)
  const result = JSON.parse(stdout) as Result
  const schema = JSON.parse(readFileSync(fileURLToPath(new URL('../../docs/result.schema.json', import.meta.url)), 'utf8')) as object
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
  assert.ok(validate(result), JSON.stringify(validate.errors))
  assert.equal(
    result.runs.map((run) => [run.target, run.records, run.durability, run.audit && counts(run.audit)]),
    ['single-thread', 'worker-pool', 'multi-instance'].map((target) => [target, 40_000, 'power', [40_000, 40_000, 0, 0, 0, 0, 0]]),
  )
  assert.ok((result.baseline.measured ?? 0) > 0 && result.baseline.sample > 0)
  assert.ok(result.runs.every((run) => run.latencyLeg?.audit && run.latencyLeg.audit.lost === 0))
})

test('whoever is stopped before its audit was interrupted, whatever it had measured', async () => {
  const words = ['run', '-s', 'postgres', '-n', '150k', '--no-latency-leg', '--json']
  const { status, stdout } = await weirUntil(words, 'stderr', (child) => child.kill('SIGINT'), { when: 'auditing' })
  assert.is(status, 130)
  const { runs } = JSON.parse(stdout) as Result
  assert.ok(runs.some(({ audit }) => audit === null))
  for (const { audit, verdict, target } of runs) if (audit === null) assert.is(verdict, 'interrupted', target)
})

const logs = process.env['WEIR_REAL_LOGS']
if (logs === undefined)
  test.skip('a real log, plain or packed, is stored but for its truncated line (needs WEIR_REAL_LOGS)', () => undefined)
else {
  test('a real log, plain or packed, is stored but for its truncated line, which is exported', () =>
    inFolder((folder) => {
      const plain = join(folder, 'access.log')
      const packed = join(folder, 'access.log.gz')
      const rejects = join(folder, 'rejects.ndjson')
      copyFileSync(join(logs, 'apache-combined-10k.log'), plain)
      writeFileSync(packed, gzipSync(readFileSync(plain)))
      for (const [input, target, store] of [
        [plain, 'multi-instance', 'postgres'],
        [packed, 'single-thread', 'postgres'],
        ...(isInstalled() ? [[plain, 'multi-instance', 'clickhouse'] as const, [packed, 'worker-pool', 'clickhouse'] as const] : []),
      ] as const) {
        const { status, stdout, stderr } = weir([
          'run',
          '-s',
          store,
          '-t',
          target,
          '--input',
          input,
          '--export-rejects',
          rejects,
          '--json',
          '--no-latency-leg',
        ])
        assert.is(status, 0, stderr)
        const [run] = (JSON.parse(stdout) as Result).runs
        assert.equal(run?.audit && counts(run.audit), [10_000, 9_999, 1, 0, 0, 0, 0])
        const exported = readFileSync(rejects, 'utf8').trim().split('\n')
        assert.is(exported.length, 1)
        const { position, line } = JSON.parse(exported[0] ?? '') as { readonly position: number; readonly line: string }
        assert.is(line, readFileSync(plain, 'utf8').split('\n')[position])
      }
    }))
}

test('lines that do not parse fail a run only when they were told to', () =>
  inFolder((folder) => {
    const input = join(folder, 'mixed.log')
    const good = '192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.5.0"'
    writeFileSync(input, `${good}\nnot a line\n${good}\n${good}`)
    const words = ['run', '-s', 'postgres', '-t', 'single-thread', '--input', input, '--json', '--no-latency-leg']
    const kept = weir(words)
    assert.is(kept.status, 0, kept.stderr)
    const [run] = (JSON.parse(kept.stdout) as Result).runs
    assert.equal(run?.audit && counts(run.audit), [4, 3, 1, 0, 0, 0, 0])
    const failed = weir([...words, '--max-rejects', '0'])
    assert.is(failed.status, 1)
    assert.is((JSON.parse(failed.stdout) as Result).runs[0]?.verdict, 'threshold-failed')
  }))

test('verify names planted damage with its position and exits 1', () =>
  inFolder(async (folder) => {
    const data = join(folder, 'kept')
    const here = { environment: { TMPDIR: folder } }
    assert.is(weir(['run', '-t', 'single-thread', '-n', '8k', '--no-latency-leg', '--keep', '--data', data, '--json'], here).status, 0)
    const server = await EmbeddedServer.start({ durability: 'process', dataDirectory: data })
    try {
      const schema = (await server.runs()).find((run) => run.schema.includes('single_thread'))?.schema ?? ''
      const client = await connect(server.url)
      const rows = `"${schema}".${rowTable}`
      const leaf = `"${schema}".${leafTable('2026-01', 0)}`
      const { rows: inLeaf } = await client.query<{ position: string }>(`SELECT position FROM ${leaf} ORDER BY position LIMIT 1`)
      const misplaced = Number(inLeaf[0]?.position)
      await client.query(`DELETE FROM ${rows} WHERE position = 1234`)
      await client.query(`UPDATE ${rows} SET user_agent = 'another' WHERE position = 4321`)
      await client.query(`ALTER TABLE ${rows} DROP CONSTRAINT ${rowTable}_pkey`)
      await client.query(`INSERT INTO ${rows} SELECT * FROM ${rows} WHERE position = 2345`)
      // Another partition is made to believe that the row belongs into it.
      await client.query(`CREATE TABLE "${schema}".elsewhere (LIKE ${rows})`)
      await client.query(
        `WITH gone AS (DELETE FROM ${leaf} WHERE position = $1 RETURNING *) INSERT INTO "${schema}".elsewhere SELECT * FROM gone`,
        [misplaced],
      )
      await client.query(`ALTER TABLE "${schema}".elsewhere ADD CONSTRAINT believed CHECK (created_at < '2000-01-01') NOT VALID`)
      await client.query(`UPDATE pg_constraint SET convalidated = true WHERE conname = 'believed'`)
      await client.query(`ALTER TABLE ${rows} ATTACH PARTITION "${schema}".elsewhere FOR VALUES FROM (MINVALUE) TO ('2000-01-01')`)
      await client.end()
      for (const format of [[], ['--json']]) {
        await server.close()
        const { status, stdout, stderr } = weir(['verify', schema, '--data', data, ...format], here)
        assert.is(status, 1, stderr)
        for (const [kind, position] of [
          ['lost', 1234],
          ['duplicated', 2345],
          ['corrupted', 4321],
          ['misplaced', misplaced],
        ] as const) {
          assert.match(
            stdout,
            format.length === 0
              ? new RegExp(`${kind}: source 1, position ${position}\\b`)
              : new RegExp(`"kind":\\s?"${kind}",\\s*"source":\\s?1,\\s*"position":\\s?${position}\\b`),
          )
        }
      }
    } finally {
      await server.close()
    }
  }))

/** Names of what Weir keeps in its temporary folder while it runs. */
const left = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('weir-') && !name.startsWith('weir-cli-test-'))

/** Processes whose command line names a folder. */
function running(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(folder)
      } catch {
        return false
      }
    })
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 300) throw new Error(`in vain waited until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('Ctrl-C in the middle of a run ends it in order: status 130, what was measured kept, nothing left behind', () =>
  inFolder(async (folder) => {
    const out = join(folder, 'out')
    mkdirSync(out)
    const words = ['run', '-s', 'postgres', '-n', '5M', '--out', out, '--json']
    const { status, stdout } = await weirUntil(words, 'stderr', (child) => child.kill('SIGINT'), {
      when: 'multi-instance, block',
      environment: { TMPDIR: folder },
    })
    assert.is(status, 130)
    const { runs } = JSON.parse(stdout) as Result
    assert.ok(runs.some(({ verdict }) => verdict === 'interrupted'))
    // What was under way at the end is nobody's second word.
    for (const { target, error } of runs) assert.is(error, undefined, target)
    assert.is(readdirSync(out).filter((name) => name.endsWith('.json')).length, 1)
    assert.equal(left(folder), [])
    assert.equal(running(folder), [])
  }))

test('a second Ctrl-C ends it at once and still leaves nothing behind', () =>
  inFolder(async (folder) => {
    const environment = { TMPDIR: folder }
    const twice = (child: { kill(signal: 'SIGINT'): boolean }) => {
      child.kill('SIGINT')
      setTimeout(() => child.kill('SIGINT'), 50)
    }
    const { status } = await weirUntil(['run', '-s', 'postgres', '-n', '5M', '-t', 'multi-instance'], 'stderr', twice, {
      when: 'multi-instance, block',
      environment,
    })
    assert.is(status, 130)
    await until(() => running(folder).length === 0 && left(folder).length === 0, 'processes and folders are gone')
  }))

test('a run that is killed leaves no process and no server files; what it cannot remove, clean lists and removes', () =>
  inFolder(async (folder) => {
    const environment = { TMPDIR: folder }
    await weirUntil(['run', '-s', 'postgres', '-n', '5M', '-t', 'multi-instance'], 'stderr', (child) => child.kill('SIGKILL'), {
      when: 'multi-instance, block',
      environment,
    })
    await until(() => running(folder).length === 0, 'no process of the run is left')
    await until(
      () => !left(folder).some((name) => name.startsWith('weir-postgres-') || name.startsWith('weir-socket-')),
      'the files of the server are gone',
    )
    const cleaned = weir(['clean', '--yes'], { environment })
    assert.is(cleaned.status, 0, cleaned.stderr)
    assert.equal(left(folder), [])
    assert.ok(existsSync(folder))
  }))

test.run()
