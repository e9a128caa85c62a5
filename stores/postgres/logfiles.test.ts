/** Claims on real servers: each file goes to one owner, and a lost claim takes its rows with it. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { soleRange } from '../logfile-ranges.js'
import { type Claim, ClaimLostError } from '../store.js'
import type { PostgresStore } from './postgres.js'
import { chunkOf, failure, type Ground, numberOf, onServers } from './servers.testing.js'

const leaseMs = 3_600_000
const line = (position: number) => `10.0.0.1 - - [15/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 1 "-" "-"`
const linesOf = ({ logfile }: Claim) => {
  const { first, count } = soleRange(logfile)
  return chunkOf(
    Array.from({ length: count }, (_, i) => ((first + i) % 10 === 3 ? 'no record' : line(first + i))),
    first,
  )
}

async function add(store: PostgresStore, files: number, count = 10): Promise<number[]> {
  const ids = []
  for (let i = 0; i < files; i++)
    ids.push(await store.logfiles.add({ path: `/spool/${i}`, ranges: [{ source: 1, first: i * count, count }] }))
  return ids
}

async function claimOne(store: PostgresStore, owner: string): Promise<Claim> {
  const { claim } = await store.logfiles.claim(owner, leaseMs)
  if (claim === undefined) throw new Error('there ought to be a file to claim')
  return claim
}

/** Lets a lease run out, by the clock that counts. */
async function expire(ground: Ground, store: PostgresStore, claim: Claim): Promise<void> {
  const client = await ground.client()
  await client.query(`UPDATE ${store.address.schema}.nginx_logfile SET lease_until = now() - interval '1 second' WHERE id = $1`, [
    claim.logfile.id,
  ])
}

onServers('owners that race get each file once, and conflicts are counted', async (ground) => {
  const store = await ground.run()
  const ids = await add(store, 120)
  const owners = Array.from({ length: 4 }, (_, i) => ({ name: `owner ${i}`, store: ground.open(store.address) }))
  let conflicts = 0
  const won = await Promise.all(
    owners.map(async ({ name, store }) => {
      const mine: number[] = []
      for (;;) {
        const taken = await store.logfiles.claim(name, leaseMs)
        conflicts += taken.conflicts
        if (taken.claim === undefined) return mine
        assert.is(taken.claim.owner, name)
        mine.push(taken.claim.logfile.id)
      }
    }),
  )
  assert.equal(
    won.flat().sort((a, b) => a - b),
    ids,
  )
  assert.ok(conflicts > 0, 'nobody met anybody')
  assert.is(await store.logfiles.backlog(), 120)
})

onServers('a claim that another instance wins between reading and taking counts as one conflict', async (ground) => {
  const store = await ground.run()
  await add(store, 2)
  const client = await ground.client()
  const table = `${store.address.schema}.nginx_logfile`
  // The other instance has taken the first file and not committed yet: the claim waits for it, and loses.
  await client.query(
    `BEGIN; UPDATE ${table} SET state = 'claimed', version = version + 1, lease_until = now() + interval '1 hour' WHERE path = '/spool/0'`,
  )
  const claiming = store.logfiles.claim('late', leaseMs)
  const other = await ground.client()
  const waiting = `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${table.split('.')[0]}%' AND pid <> pg_backend_pid()`
  while ((await numberOf(other, waiting)) === 0) {
    // Asking again is the waiting.
  }
  await client.query('COMMIT')
  const { claim, conflicts } = await claiming
  assert.is(claim?.logfile.ranges[0]?.first, 10)
  assert.is(conflicts, 1)
})

onServers('a claimed file is free again when its lease has run out, unless it was renewed', async (ground) => {
  const store = await ground.run()
  await add(store, 1)
  const first = await claimOne(store, 'first')
  assert.is((await store.logfiles.claim('second', leaseMs)).claim, undefined)
  await expire(ground, store, first)
  assert.ok(await store.logfiles.renew(first, leaseMs))
  assert.is((await store.logfiles.claim('second', leaseMs)).claim, undefined)
  await expire(ground, store, first)
  const second = await claimOne(store, 'second')
  assert.equal(second.logfile, first.logfile)
  assert.is(second.version, first.version + 1)
  assert.not(await store.logfiles.renew(first, leaseMs))
  assert.ok(await store.logfiles.renew(second, leaseMs))
})

onServers('rows, rejected lines and the claim are settled together', async (ground) => {
  const store = await ground.run()
  await add(store, 2)
  const writer = ground.closing(await store.writer())
  const claim = await claimOne(store, 'owner')
  const receipt = await writer.write([linesOf(claim)], claim)
  assert.is(await store.logfiles.backlog(), 1)
  const { schema } = store.address
  const xids = ['nginx_logfile_row', 'nginx_logfile_reject', 'nginx_logfile'].map(
    (table) => `SELECT xmin::text AS x FROM ${schema}.${table} ${table === 'nginx_logfile' ? "WHERE state = 'done'" : ''}`,
  )
  assert.is(await numberOf(await ground.client(), `SELECT count(DISTINCT x) FROM (${xids.join(' UNION ALL ')}) t`), 1)
  const open = await claimOne(store, 'owner')
  const outcomes = await store.logfiles.outcomes([claim.logfile.id, open.logfile.id])
  assert.equal(outcomes, [{ id: claim.logfile.id, receipt }])
  assert.equal(
    receipt.map(({ first, count, fate, reason }) => [first, count, fate, reason]),
    [
      [0, 3, 'stored', undefined],
      [3, 1, 'rejected', 'bad address'],
      [4, 6, 'stored', undefined],
    ],
  )
  assert.not(await store.logfiles.renew(claim, leaseMs))
})

onServers('who lost a claim writes nothing, and goes on', async (ground) => {
  const store = await ground.run()
  await add(store, 1, 100_000)
  const late = ground.closing(await store.writer())
  const lost = await claimOne(store, 'late')
  await expire(ground, store, lost)
  const taken = await claimOne(store, 'quick')
  const client = await ground.client()
  const count = () => numberOf(client, `SELECT count(*) FROM ${store.address.schema}.nginx_logfile_row`)
  // Before the other has written, and after; the file is larger than an arena's list of runs.
  const failed = await failure(late.write([linesOf(lost)], lost))
  assert.instance(failed, ClaimLostError)
  assert.is((failed as ClaimLostError).claim, lost)
  assert.is(await count(), 0)
  const quick = ground.closing(await store.writer())
  await quick.write([linesOf(taken)], taken)
  assert.is(await count(), 90_000)
  assert.instance(await failure(late.write([linesOf(lost)], lost)), Error)
  assert.is(await count(), 90_000)
  assert.is(await store.logfiles.backlog(), 0)
  await late.write([chunkOf([line(0)], 500_000)])
  assert.is(await count(), 90_001)
})

onServers('claims go on after their connection was cut', async (ground) => {
  const store = await ground.run()
  await add(store, 2)
  await claimOne(store, 'owner')
  const client = await ground.client()
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%${store.address.schema}%'`,
  )
  // It fails, unless the end of the connection was noticed before anybody asked.
  await store.logfiles.backlog().catch(() => undefined)
  assert.is((await claimOne(store, 'owner')).logfile.ranges[0]?.first, 10)
})

onServers('several who register under the next number: one does, and the others see what it registered', async (ground) => {
  const store = await ground.run()
  const owners = await Promise.all(Array.from({ length: 4 }, () => ground.open(store.address)))
  const ranges = [
    { source: 7, first: 5_000_000_000, count: 3 },
    { source: 2, first: 0, count: 1 },
  ]
  for (let number = 1; number <= 5; number++) {
    const claims = await Promise.all(
      owners.map((each, i) => each.logfiles.addClaimed({ id: number, path: `object-${number}-of-${i}`, ranges }, `owner ${i}`, leaseMs)),
    )
    const [won, ...others] = claims.filter((claim) => claim !== undefined)
    assert.is(others.length, 0)
    assert.equal(await store.logfiles.registered(number - 1, 10), [{ ...won?.logfile, done: false }])
    // It is in hand: nobody else gets it.
    assert.is((await store.logfiles.claim('somebody', leaseMs)).claim, undefined)
  }
  assert.equal(
    (await store.logfiles.registered(1, 3)).map((file) => file.id),
    [2, 3, 4],
  )
})

onServers('a file that was registered and claimed at once is settled with its rows, all ranges of it', async (ground) => {
  const store = await ground.run()
  const logfiles = store.logfiles
  const pieces = [
    { source: 7, first: 100, count: 2 },
    { source: 2, first: 0, count: 1 },
  ]
  const claim = await logfiles.addClaimed({ id: 1, path: 'object', ranges: pieces }, 'owner', leaseMs)
  if (claim === undefined) throw new Error('nobody else is there')
  const writer = ground.closing(await store.writer())
  const chunks = pieces.map(({ source, first, count }) => ({
    ...chunkOf(
      Array.from({ length: count }, (_, i) => (i === 1 ? 'no record' : line(first + i))),
      first,
    ),
    source,
  }))
  const receipt = await writer.write(chunks, claim)
  assert.equal(await logfiles.outcomes([1]), [{ id: 1, receipt }])
  assert.is((await logfiles.registered(0, 1))[0]?.done, true)
  // Nothing new in it: it is done all the same.
  const empty = await logfiles.addClaimed({ id: 2, path: 'again', ranges: [] }, 'owner', leaseMs)
  if (empty === undefined) throw new Error('nobody else is there')
  assert.equal(await writer.write([], empty), [])
  assert.is(await logfiles.backlog(), 0)
})

test.run()
