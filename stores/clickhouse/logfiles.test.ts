/** Claims without locks: each version of a logfile is one owner's, however many want it, and its rows are stored once, whoever writes them. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { soleRange } from '../logfile-ranges.js'
import { type Claim, ClaimLostError } from '../store.js'
import type { ClickHouseStore } from './clickhouse.js'
import type { ClickHouseLogfiles } from './logfiles.js'
import { chunkOf, failure, type Ground, onEmbedded, onGiven } from './servers.testing.js'
import { id, sql } from './sql.js'

const leaseMs = 3_600_000
const line = (position: number) => `10.0.0.1 - - [15/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 1 "-" "-"`
const linesOf = ({ logfile }: Claim) => {
  const { first, count } = soleRange(logfile)
  return chunkOf(
    Array.from({ length: count }, (_, i) => ((first + i) % 10 === 3 ? 'no record' : line(first + i))),
    first,
  )
}

function logfilesOf({ logfiles }: ClickHouseStore): ClickHouseLogfiles {
  if (logfiles === undefined) throw new Error('this server ought to have claims')
  return logfiles
}

async function add(store: ClickHouseStore, files: number, count = 10): Promise<number[]> {
  const ids = []
  for (let i = 0; i < files; i++)
    ids.push(await logfilesOf(store).add({ path: `/spool/${i}`, ranges: [{ source: 1, first: i * count, count }] }))
  return ids
}

async function claimOne(store: ClickHouseStore, owner: string): Promise<Claim> {
  const { claim } = await logfilesOf(store).claim(owner, leaseMs)
  if (claim === undefined) throw new Error('there ought to be a file to claim')
  return claim
}

/** Lets the leases of a file run out, by the clock that counts. */
const expire = (ground: Ground, { address }: ClickHouseStore, { logfile }: Claim) =>
  ground.mutate(address.schema, 'nginx_logfile', `UPDATE lease_until = 0 WHERE id = ${logfile.id}`)

const rowsIn = (ground: Ground, { address }: ClickHouseStore, table: string) =>
  ground.number(sql`SELECT count() AS n FROM ${id(address.schema, table)}`)

onEmbedded('owners that race get each file once, and conflicts are counted', async (ground) => {
  const store = await ground.run()
  const ids = await add(store, 60)
  const owners = await Promise.all(Array.from({ length: 8 }, () => ground.open(store.address)))
  let conflicts = 0
  const won = await Promise.all(
    owners.map(async (each, i) => {
      const mine: number[] = []
      for (;;) {
        const taken = await logfilesOf(each).claim(`owner ${i}`, leaseMs)
        conflicts += taken.conflicts
        if (taken.claim === undefined) return mine
        assert.is(taken.claim.owner, `owner ${i}`)
        mine.push(taken.claim.logfile.id)
      }
    }),
  )
  assert.equal(
    won.flat().sort((a, b) => a - b),
    ids,
  )
  assert.ok(conflicts > 0, 'nobody met anybody')
  // One row for each file, and one for each claim: whoever lost left nothing.
  assert.is(await rowsIn(ground, store, 'nginx_logfile'), 120)
  assert.is(await logfilesOf(store).backlog(), 60)
})

onEmbedded('all who want the same version at once: one gets it', async (ground) => {
  const store = await ground.run()
  const owners = await Promise.all(Array.from({ length: 8 }, () => ground.open(store.address)))
  for (let round = 0; round < 20; round++) {
    await logfilesOf(store).add({ path: '', ranges: [{ source: 1, first: round, count: 1 }] })
    const taken = await Promise.all(owners.map((each, i) => logfilesOf(each).claim(`owner ${i}`, leaseMs)))
    assert.is(taken.filter(({ claim }) => claim !== undefined).length, 1)
  }
})

onEmbedded('files added by two at once have numbers of their own', async (ground) => {
  const store = await ground.run()
  const other = await ground.open(store.address)
  const ids = (await Promise.all([add(store, 10), add(other, 10)])).flat()
  assert.is(new Set(ids).size, 20)
  assert.is(await logfilesOf(store).backlog(), 20)
})

onEmbedded('a claimed file is free again when its lease has run out, unless it was renewed', async (ground) => {
  const store = await ground.run()
  const logfiles = logfilesOf(store)
  await add(store, 1)
  const first = await claimOne(store, 'first')
  assert.is((await logfiles.claim('second', leaseMs)).claim, undefined)
  await expire(ground, store, first)
  assert.ok(await logfiles.renew(first, leaseMs))
  assert.is((await logfiles.claim('second', leaseMs)).claim, undefined)
  await expire(ground, store, first)
  const second = await claimOne(store, 'second')
  assert.equal(second.logfile, first.logfile)
  assert.is(second.version, first.version + 1)
  assert.not(await logfiles.renew(first, leaseMs))
  // What the late one tried changes nothing for the holder.
  assert.is((await logfiles.claim('third', leaseMs)).claim, undefined)
  assert.ok(await logfiles.renew(second, leaseMs))
  assert.not(await logfiles.finish(first))
  assert.ok(await logfiles.finish(second))
  assert.is(await logfiles.backlog(), 0)
})

onEmbedded('rows and rejected lines are stored, then the claim is settled, and the outcome can be asked for', async (ground) => {
  const store = await ground.run()
  const logfiles = logfilesOf(store)
  await add(store, 2)
  const writer = ground.closing(await store.writer())
  const claim = await claimOne(store, 'owner')
  const receipt = await writer.write([linesOf(claim)], claim)
  assert.is(await logfiles.backlog(), 1)
  const open = await claimOne(store, 'owner')
  const outcomes = await logfiles.outcomes([claim.logfile.id, open.logfile.id])
  assert.equal(outcomes, [{ id: claim.logfile.id, receipt }])
  assert.equal(await logfiles.outcomes([]), [])
})

onEmbedded('an instance that lost its claim stores nothing twice, before or after the other', async (ground) => {
  for (const late of [true, false]) {
    const store = await ground.run()
    await add(store, 1)
    const first = await claimOne(store, 'first')
    const writer = ground.closing(await store.writer())
    const other = ground.closing(await (await ground.open(store.address)).writer())
    await expire(ground, store, first)
    const second = await claimOne(store, 'second')
    if (late) await other.write([linesOf(second)], second)
    const error = await failure(writer.write([linesOf(first)], first))
    assert.instance(error, ClaimLostError)
    // Cut into other chunks, it is the same file.
    const { lines } = linesOf(second)
    const half = Buffer.from(lines).indexOf('\n', lines.length / 2) + 1
    const firstLines = Buffer.from(lines.subarray(0, half)).toString().split('\n').length - 1
    if (!late) {
      await other.write(
        [
          { source: 1, first: 0, count: firstLines, lines: lines.slice(0, half) },
          { source: 1, first: firstLines, count: 10 - firstLines, lines: lines.slice(half) },
        ],
        second,
      )
    }
    assert.is(await rowsIn(ground, store, 'nginx_logfile_row'), 9)
    assert.is(await rowsIn(ground, store, 'nginx_logfile_reject'), 1)
    assert.is(await logfilesOf(store).backlog(), 0)
  }
})

onEmbedded('a token that a killed server kept without its row keeps nobody from taking a file', async (ground) => {
  const store = await ground.run()
  await add(store, 1)
  const claim = await claimOne(store, 'a process of a server that was killed')
  await ground.mutate(store.address.schema, 'nginx_logfile', `DELETE WHERE version = ${claim.version}`)
  assert.is((await claimOne(store, 'another')).version, claim.version)
})

onGiven('a server without tokens has no claims, and says why', async (ground) => {
  const store = await ground.run()
  if (store.abilities.tokens) return
  assert.is(store.logfiles, undefined)
  assert.match(store.lacks.claims ?? '', /knows no deduplication tokens .* no two instances could be kept from taking the same logfile/)
  assert.match(store.lacks.retry ?? '', /a batch in doubt could be stored twice/)
})

onEmbedded('several who register under the next number: one does, and the others see what it registered', async (ground) => {
  const store = await ground.run()
  const owners = await Promise.all(Array.from({ length: 4 }, () => ground.open(store.address)))
  const ranges = [
    { source: 7, first: 5_000_000_000, count: 3 },
    { source: 2, first: 0, count: 1 },
  ]
  for (let number = 1; number <= 5; number++) {
    const claims = await Promise.all(
      owners.map((each, i) => logfilesOf(each).addClaimed({ id: number, path: `object-${number}-of-${i}`, ranges }, `owner ${i}`, leaseMs)),
    )
    const [won, ...others] = claims.filter((claim) => claim !== undefined)
    assert.is(others.length, 0)
    assert.equal(await logfilesOf(store).registered(number - 1, 10), [{ ...won?.logfile, done: false }])
    // It is in hand: nobody else gets it.
    assert.is((await logfilesOf(store).claim('somebody', leaseMs)).claim, undefined)
  }
  assert.equal(
    (await logfilesOf(store).registered(1, 3)).map((file) => file.id),
    [2, 3, 4],
  )
})

onEmbedded('a file that was registered and claimed at once is settled with its rows, all ranges of it', async (ground) => {
  const store = await ground.run()
  const logfiles = logfilesOf(store)
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
