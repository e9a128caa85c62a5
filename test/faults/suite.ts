/** Bad input and faults, as a user meets them: what Weir says, how it ends, and that nothing stored is missing and nothing is left behind. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Result } from '../../results/result.js'
import type { Ended } from '../weir.js'
import { Den, Started, until } from './started.js'
import type { FaultyStore, OwnServer } from './stores.js'
import { freePort, mailServer, type Stranger, silence, webServer } from './strangers.js'

/** Short enough to end by itself where nothing is wrong. */
const short = ['run', '-t', 'single-thread', '-n', '5k', '--no-latency-leg']
/** Long enough for a fault to fall into the midst of it. */
const long = (target: string) => ['run', '-t', target, '-n', '2M', '--no-latency-leg', '--json', '--keep']

const servers = new Map<FaultyStore, Promise<OwnServer>>()

function serverOf(store: FaultyStore): Promise<OwnServer> {
  const made = servers.get(store) ?? store.own()
  servers.set(store, made)
  return made
}

test.after(async () => {
  for (const server of servers.values()) await (await server).close()
})

async function inDen(use: (den: Den) => Promise<void>): Promise<void> {
  const den = new Den()
  try {
    await use(den)
  } finally {
    await den.remove()
  }
}

/** Whether a small disk can be had here. */
function mountable(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'faults-mount-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', 'weir-faults', folder])
  if (status === 0) spawnSync('umount', [folder])
  rmdirSync(folder)
  return status === 0
}

/** What holds of every end: no stack trace, no secret. */
function assertCivil({ stdout, stderr }: Ended, secrets: readonly string[]): void {
  assert.not.match(stderr, /\n\s+at /, `a stack trace: ${stderr}`)
  for (const secret of secrets) assert.not(stdout.includes(secret) || stderr.includes(secret), `the password ${secret} is shown`)
}

/** The one line that Weir ends with. */
function lastWord({ stderr }: Ended): string {
  return stderr.split('\n').find((line) => line.startsWith('weir: ')) ?? `nothing; all of it: ${stderr}`
}

/** Runs into an error before anything is measured. */
async function refused(words: readonly string[], status: number, secrets: readonly string[], ...says: readonly RegExp[]): Promise<void> {
  await inDen(async (den) => {
    const ended = await new Started(den, words).ended
    assertCivil(ended, secrets)
    for (const expected of says) assert.match(lastWord(ended), expected)
    assert.is(ended.status, status, ended.stderr)
    assert.is(ended.stdout, '')
    await den.empty()
  })
}

/** Registers the tests of a store, and runs them. */
export function faultsOf(store: FaultyStore): void {
  const { name, scheme, called } = store
  /** Registers a test, or says why it cannot be done here. */
  const check = (what: string, body: () => Promise<void>) => {
    if (store.missing === undefined) test(`${name}: ${what}`, body)
    else test.skip(`${name}: ${what} (needs ${store.missing})`, () => undefined)
  }
  const at = (host: string) => `${scheme}://weir:h1dden@${host}/somewhere`
  const hidden = ['h1dden']

  check('a host that does not resolve', () =>
    refused([...short, '-s', at('nowhere.invalid')], 1, hidden, called, /nowhere\.invalid/, /that host has no address: check its name/),
  )

  check('a port that is closed', async () => {
    const port = await freePort()
    await refused([...short, '-s', at(`127.0.0.1:${port}`)], 1, hidden, called, new RegExp(`:${port}`), /nothing listens there/)
  })

  for (const [what, open, says] of [
    ['a web server', webServer, store.says.stranger],
    ['a mail server', mailServer, store.says.stranger],
    ['something that never says a word', silence, store.says.silence],
  ] as const satisfies readonly (readonly [string, () => Promise<Stranger>, RegExp])[]) {
    check(`a port where ${what} answers`, async () => {
      const stranger = await open()
      try {
        await refused([...short, '-s', at(`127.0.0.1:${stranger.port}`)], 1, hidden, called, new RegExp(`:${stranger.port}`), says)
      } finally {
        await stranger.close()
      }
    })
  }

  check('URLs that cannot be read', async () => {
    for (const url of [`${scheme}://weir:h1dden@127.0.0.1:999999/x`, `${scheme}://weir:h1dden#/@127.0.0.1:1/x`]) {
      await refused([...short, '-s', url], 2, hidden, /-s: the store URL cannot be read/)
    }
    await refused([...short, '-s', 'nosuch://weir:h1dden@127.0.0.1/x'], 2, hidden, /unknown kind of store URL "nosuch"/)
  })

  check('a wrong password', async () => {
    const { wrongPassword, secrets } = await serverOf(store)
    await refused([...short, '-s', wrongPassword], 1, secrets, called, store.says.wrongPassword)
  })

  check('a user without rights', async () => {
    const { withoutRights, secrets } = await serverOf(store)
    await refused([...short, '-s', withoutRights], 1, secrets, store.says.withoutRights)
  })

  for (const target of store.targets) {
    check(`${target}: the server is stopped in the midst and started again`, () =>
      stoppedInTheMidst(store, target, async (server, run) => {
        await server.start()
        return run.ended
      }),
    )

    check(`${target}: the server is stopped in the midst for good`, () => stoppedInTheMidst(store, target, (_server, run) => run.ended))
  }

  const fillsUp = mountable() ? check : (what: string) => test.skip(`${name}: ${what} (needs the right to mount a tmpfs)`, () => undefined)
  fillsUp('the data directory fills up', () =>
    inDen(async (den) => {
      const disk = join(den.folder, 'disk')
      mkdirSync(disk)
      const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${store.smallDiskMb}m,mode=1777`, 'weir-faults', disk])
      assert.is(mounted.status, 0, mounted.stderr?.toString())
      try {
        const ended = await new Started(den, [...long('single-thread'), '-s', store.embedded, '--data', join(disk, 'data')]).ended
        assertCivil(ended, [])
        assert.is(ended.status, 1, ended.stderr)
        const told = ended.stdout === '' ? lastWord(ended) : messagesOf(ended)
        assert.match(told, store.diskFull)
        assert.ok(told.includes(disk), `where: ${told}`)
        assert.match(told, /--data/, 'what to do')
        await den.empty()
      } finally {
        spawnSync('umount', ['-l', disk])
      }
    }),
  )

  check('a second Weir on the same data directory', () =>
    inDen(async (den) => {
      const data = join(den.folder, 'data')
      const first = new Started(den, [...long('single-thread'), '-s', store.embedded, '--data', data])
      await first.says('single-thread, block')
      const second = await new Started(den, [...short, '-s', store.embedded, '--data', data]).ended
      assertCivil(second, [])
      assert.is(second.status, 1, second.stderr)
      assert.ok(lastWord(second).includes(data), lastWord(second))
      assert.match(lastWord(second), /another server uses the data directory .*: wait for it to end, or choose another with --data/)
      first.signal('SIGINT')
      const ended = await first.ended
      assert.is(ended.status, 130, ended.stderr)
      const [run] = (JSON.parse(ended.stdout) as Result).runs
      assert.is(run?.verdict, 'interrupted', 'the first went on until it was told to stop')
      await den.empty()
    }),
  )

  const busiest = store.targets.at(-1) ?? ''
  for (const [what, signals] of [
    ['Ctrl-C', ['SIGINT']],
    ['Ctrl-C twice', ['SIGINT', 'SIGINT']],
  ] as const) {
    check(`${what} in the midst leaves nothing behind`, () =>
      inDen(async (den) => {
        const run = new Started(
          den,
          [...long(busiest), '-s', store.embedded].filter((word) => word !== '--keep'),
        )
        await run.says(`${busiest}, block`)
        for (const signal of signals) {
          run.signal(signal)
          // Two that are on their way at once are one.
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        const ended = await run.ended
        assertCivil(ended, [])
        assert.is(ended.status, 130, ended.stderr)
        await den.empty()
      }),
    )
  }

  check('a Weir that is killed leaves no process, and no folder but the one that weir clean removes', () =>
    inDen(async (den) => {
      const run = new Started(
        den,
        [...long(busiest), '-s', store.embedded].filter((word) => word !== '--keep'),
      )
      await run.says(`${busiest}, block`)
      run.signal('SIGKILL')
      await run.ended
      await den.empty((name) => name.startsWith('weir-run-'))
      const cleaned = await new Started(den, ['clean', '--yes']).ended
      assert.is(cleaned.status, 0, cleaned.stderr)
      await den.empty()
    }),
  )

  test.run()
}

/** Everything that a document says of what went wrong. */
function messagesOf({ stdout }: Ended): string {
  return (JSON.parse(stdout) as Result).runs.flatMap(({ error, reasons }) => [error?.message ?? [], reasons].flat()).join('; ')
}

/** Stops the server as soon as something is stored; what then comes to an end must not miss any of it. */
async function stoppedInTheMidst(
  store: FaultyStore,
  target: string,
  go: (server: OwnServer, run: Started) => Promise<Ended>,
): Promise<void> {
  const server = await serverOf(store)
  await inDen(async (den) => {
    try {
      const run = new Started(den, [...long(target), '-s', server.url])
      await run.says(`${target}, block`)
      await until('something is stored', () => server.holds(target))
      await server.stop()
      const ended = await go(server, run)
      assertCivil(ended, server.secrets)
      await den.empty()

      const [measured] = (JSON.parse(ended.stdout) as Result).runs
      assert.ok(measured !== undefined)
      const { stored = 0, audit, verdict } = measured
      assert.ok(stored > 0, 'nothing was settled as stored before the server was stopped')
      await server.start()
      const lying = await server.rows(target)
      assert.ok(lying >= stored, `${stored} records were settled as stored, ${lying} are there`)
      if (audit !== null) {
        assert.equal([audit.lost, audit.duplicated, audit.corrupted, audit.misplaced], [0, 0, 0, 0])
        assert.is(audit.stored, lying)
      }
      if (ended.status === 0) {
        assert.ok(audit !== null, 'a run that recovered was audited')
        return
      }
      assert.is(ended.status, 1, ended.stderr)
      assert.is(verdict, 'failed')
      assert.match(messagesOf(ended), store.called)
      assert.match(messagesOf(ended), store.says.gone)
    } finally {
      await server.start()
      await server.clear()
    }
  })
}
