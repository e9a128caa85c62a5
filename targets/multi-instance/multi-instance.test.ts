/** Instances that die cost nothing, claims that collide are counted, the fleet follows the backlog, and a spool that fails says so. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Settlement, Store } from '../../stores/store.js'
import { Ground } from '../conformance/ground.js'
import { PostgresOutside } from '../conformance/postgres-outside.js'
import { chunkRecords, Setting, smallOptions } from '../conformance/setting.js'
import { Outcome, until } from '../conformance/until.js'
import { singleThread } from '../single-thread.js'
import { Coordinator, type CoordinatorOptions } from './coordinator.js'
import { multiInstance } from './multi-instance.js'

const never = new AbortController().signal
let shared: Ground | undefined

test.before(async () => {
  shared = await Ground.start({ name: 'postgres', store: 'postgres' })
})

test.after(async () => {
  await shared?.close()
})

function ground(): Ground & { readonly outside: PostgresOutside } {
  if (!(shared?.outside instanceof PostgresOutside)) throw new Error('the embedded server did not start')
  return shared as Ground & { readonly outside: PostgresOutside }
}

const open = (options: Readonly<Record<string, number | boolean>>) => Setting.open({ module: multiInstance, ground: ground(), options })

const spooled = (setting: Setting) => readdirSync(setting.scratch, { recursive: true }).filter((name) => String(name).endsWith('.log'))

/** The target of a setting whose rows are locked, one of whose instances is killed while it waits for them. */
async function killOne(fileRecords: number): Promise<void> {
  // More files of the largest size than one instance takes in hand.
  const records = 16_000
  const setting = await open({ fileRecords })
  const release = await ground().outside.lockRows(setting.address)
  try {
    const run = new Outcome(setting.replay({ records, chunkRecords: Math.min(fileRecords, chunkRecords) }))
    await until('both instances wait for the rows', async () => (await ground().outside.blocked()) >= 2)
    await setting.target.parts()[0]?.kill?.()
    await until('it is gone', () => setting.target.parts().every(({ name }) => name !== 'instance-1'))
    await release()
    await run.end('the run ends')
    assert.is(run.error, undefined)
    setting.assertWhole()
    assert.is(setting.ledger.tally.failed, 0, 'a killed instance costs nothing')
    assert.is((await setting.assertAudited())?.stored, records)
    assert.ok((await setting.target.counters?.())?.['takeovers'] ?? 0)
  } finally {
    await release()
    await setting.close()
  }
}

test('an instance killed in the middle of a file: another takes it over', () => killOne(4000))

test('an instance killed after it sent the commit, which the server carries out later: the store is asked until it knows', () =>
  killOne(100))

test('two instances that want the same file: one gets it, the other counts a conflict', async () => {
  const setting = await open({ instances: 2, pollMs: 100_000, fileRecords: chunkRecords })
  const pids = setting.target.parts().map(({ pid }) => pid)
  let release: (() => Promise<void>) | undefined
  try {
    assert.is(pids.length, 2)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await setting.target.offer(await setting.next())
    await until('the file is registered', () => setting.settlements.some(({ fate }) => fate === 'accepted'))
    release = await ground().outside.lockClaims(setting.address)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
    await until('both have read that it is free', async () => (await ground().outside.blocked()) >= 2)
    await release()
    await setting.target.drain(never)
    setting.assertWhole()
    await until('the conflict is counted', async () => ((await setting.target.counters?.())?.['conflicts'] ?? 0) > 0)
    assert.is((await setting.assertAudited())?.stored, chunkRecords)
  } finally {
    await release?.()
    await setting.close()
  }
})

test('the fleet grows with the backlog and shrinks without one', async () => {
  const setting = await open({ instances: 3, minInstances: 1, fileRecords: chunkRecords })
  const release = await ground().outside.lockRows(setting.address)
  try {
    assert.is(setting.target.parts().length, 1)
    for (let i = 0; i < 10; i++) await setting.target.offer(await setting.next())
    await until('there are as many as allowed', () => setting.target.parts().length === 3)
    await release()
    await setting.target.drain(never)
    setting.assertWhole()
    await until('there are as few as allowed', () => setting.target.parts().length === 1)
    // Those that went were told to: nobody takes their place, and nothing is counted as taken over.
    await setting.target.offer(await setting.next())
    await setting.target.drain(never)
    assert.is((await setting.assertAudited())?.stored, 11 * chunkRecords)
  } finally {
    await release()
    await setting.close()
  }
})

test('spooled files are removed once they are stored, and the folder when the target closes', async () => {
  const setting = await open({ fileRecords: chunkRecords })
  try {
    const release = await ground().outside.lockRows(setting.address)
    for (let i = 0; i < 4; i++) await setting.target.offer(await setting.next())
    await until('files are spooled', () => spooled(setting).length === 4)
    await release()
    await setting.target.drain(never)
    await until('files are removed', () => spooled(setting).length === 0)
    await setting.target.close()
    assert.equal(readdirSync(setting.scratch), [])
  } finally {
    await setting.close()
  }
})

test('a spool that cannot be written fails the records with the reason', async () => {
  const setting = await open({ fileRecords: chunkRecords })
  try {
    for (const name of readdirSync(setting.scratch)) rmSync(join(setting.scratch, name), { recursive: true })
    for (let i = 0; i < 4; i++) await setting.target.offer(await setting.next())
    await setting.target.drain(never)
    setting.assertWhole()
    assert.is(setting.ledger.tally.failed, 4 * chunkRecords)
    assert.match(setting.ledger.firstFailure ?? '', /the spool could not be written: ENOENT.*access-000001\.log.*free some space/)
    await setting.assertAudited()
  } finally {
    await setting.close()
  }
})

test('a disk that takes only a part of a file fails its records, and the part is removed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-spool-'))
  try {
    // A limit on the size of files does what a full disk does: the write ends early, without an error.
    const script = `
      import { Spool } from ${JSON.stringify(new URL('./spool.js', import.meta.url).href)}
      const options = { fileRecords: 1000, lingerMs: 1000, sync: false }
      const failed = (chunks, error) => console.log(JSON.stringify({ failed: chunks.length, message: error.message }))
      const spool = new Spool(${JSON.stringify(folder)}, options, async () => console.log('{"failed":0}'), failed, () => {})
      spool.add({ source: 1, first: 0, count: 1000, lines: new Uint8Array(100_000).fill(10) })
      await spool.flush()`
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"`, process.execPath, script],
      {
        encoding: 'utf8',
      },
    )
    assert.is(stderr, '')
    const { failed, message } = JSON.parse(stdout) as { failed: number; message: string }
    assert.is(failed, 1)
    assert.match(message, /the spool could not be written: the disk took \d+ of 100000 bytes: is it full\?/)
    assert.equal(readdirSync(folder), [])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a file that is done before its registration was answered is settled all the same', async () => {
  // Another target in the setting, so that no other instances want the file.
  const setting = await Setting.open({ module: singleThread, ground: ground() })
  const folder = mkdtempSync(join(tmpdir(), 'weir-early-'))
  const settled: Settlement[] = []
  const { logfiles } = setting.store
  if (logfiles === undefined) throw new Error('Postgres has logfiles')
  // The same store, whose answer is kept back until the file is done.
  const late: Store = Object.create(setting.store, {
    logfiles: {
      value: {
        add: async (file: Parameters<typeof logfiles.add>[0]) => {
          const id = await logfiles.add(file)
          await until('the file is done', async () => (await logfiles.backlog()) === 0)
          await until('an instance has said so', () => readdirSync(folder).length === 0)
          return id
        },
        outcomes: () => Promise.resolve([]),
        close: () => logfiles.close(),
      },
    },
  })
  const options = { ...smallOptions(multiInstance), fileRecords: chunkRecords } as unknown as CoordinatorOptions
  const coordinator = new Coordinator({
    store: late,
    options,
    folder,
    settle: (settlement) => settled.push(settlement),
    recycle: () => undefined,
  })
  try {
    await coordinator.start()
    await coordinator.offer(await setting.next())
    await new Outcome(coordinator.drain(never)).end('all is settled')
    assert.equal(
      settled.filter(({ fate }) => fate === 'stored').map(({ first, count }) => ({ first, count })),
      [{ first: 0, count: chunkRecords }],
    )
  } finally {
    await coordinator.close()
    rmSync(folder, { recursive: true, force: true })
    await setting.close()
  }
})

test.run()
