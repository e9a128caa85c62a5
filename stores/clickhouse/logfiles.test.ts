/** Claims without locks: each version of a logfile is one owner's, however many want it, and its rows are stored once, whoever writes them. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Claim, ClaimLostError } from '../store.js'
import type { ClickHouseStore } from './clickhouse.js'
import type { ClickHouseLogfiles } from './logfiles.js'
import { chunkOf, failure, type Ground, onEmbedded, onGiven } from './servers.testing.js'
import { id, sql } from './sql.js'

const leaseMs = 3_600_000
const line = (position: number) => `10.0.0.1 - - [15/Jan/2026:10:00:00 +0000] "GET /${position} HTTP/1.1" 200 1 "-" "-"`
const linesOf = ({ logfile }: Claim) =>
  chunkOf(
    Array.from({ length: logfile.count }, (_, i) => ((logfile.first + i) % 10 === 3 ? 'no record' : line(logfile.first + i))),
    logfile.first,
  )

function logfilesOf({ logfiles }: ClickHouseStore): ClickHouseLogfiles {
  if (logfiles === undefined) throw new Error('this server ought to have claims')
  return logfiles
}

async function add(store: ClickHouseStore, files: number, count = 10): Promise<number[]> {
  const ids = []
  for (let i = 0; i < files; i++) ids.push(await logfilesOf(store).add({ source: 1, first: i * count, count, path: `/spool/${i}` }))
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
    await logfilesOf(store).add({ source: 1, first: round, count: 1, path: '' })
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

test.run()
