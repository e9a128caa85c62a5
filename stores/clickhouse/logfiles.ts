/** Claims of spooled logfiles without locks: whoever gets the row of a version in, by its token, holds that version. */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type CompactRange, compactRanges, rangesOf, receiptOf } from '../logfile-ranges.js'
import type { Claim, Logfile, Logfiles, Receipt, RegisteredLogfile, StoreAddress } from '../store.js'
import type { Abilities } from './abilities.js'
import { insertSettings } from './inserts.js'
import { logfileTable, rejectTable } from './layout.js'
import { Link } from './link.js'
import { isPassing, waitsMs } from './retrying.js'
import { id, list, type Sql, sql } from './sql.js'

type State = 'new' | 'claimed' | 'done'

interface Version {
  readonly file: Logfile
  readonly version: number
  readonly state: State
  readonly owner: string
  /** Milliseconds from now, by the server's clock. */
  readonly leaseMs: number
}

/** Whose a version is. */
interface Holder {
  readonly nonce: string
  readonly owner: string
  readonly state: State
}

interface VersionRow {
  readonly id: string
  readonly last: number
  readonly path: string
  /** JSON. */
  readonly ranges: string
}

/** Oldest free files among which an instance chooses, so that many instances do not all want the same one. */
const candidates = 8

export class ClickHouseLogfiles implements Logfiles {
  private opened: Link | undefined
  private nextId: number | undefined

  constructor(
    private readonly address: StoreAddress,
    private readonly abilities: Abilities,
  ) {}

  async add(file: Omit<Logfile, 'id'>): Promise<number> {
    if (this.nextId === undefined) {
      const [row] = await this.link.rows<{ last: string }>(sql`SELECT max(id) AS last FROM ${this.table}`)
      this.nextId ??= Number(row?.last ?? 0) + 1
    }
    for (;;) {
      const number = this.nextId++
      if (await this.enter({ file: { ...file, id: number }, version: 0, state: 'new', owner: '', leaseMs: 0 })) return number
    }
  }

  async addClaimed(logfile: Logfile, owner: string, leaseMs: number): Promise<Claim | undefined> {
    const version = 1
    return (await this.enter({ file: logfile, version, state: 'claimed', owner, leaseMs })) ? { logfile, version, owner } : undefined
  }

  async registered(after: number, most: number): Promise<readonly RegisteredLogfile[]> {
    const rows = await this.link.rows<VersionRow & { readonly done: number }>(sql`
      SELECT id, toInt32(0) AS last, ${whose}, countIf(state = 'done') > 0 AS done
      FROM ${this.table} WHERE id > ${after} GROUP BY id ORDER BY id LIMIT ${most}`)
    return rows.map((row) => ({ ...toLogfile(row), done: row.done !== 0 }))
  }

  async claim(owner: string, leaseMs: number) {
    for (let conflicts = 0; ; ) {
      const free = await this.free()
      if (free.length === 0) return { claim: undefined, conflicts }
      for (let left = free.length; left > 0; left--) {
        const [row] = free.splice(Math.floor(Math.random() * left), 1)
        if (row === undefined) break
        const logfile = toLogfile(row)
        const version = row.last + 1
        if (await this.enter({ file: logfile, version, state: 'claimed', owner, leaseMs })) {
          return { claim: { logfile, version, owner }, conflicts }
        }
        conflicts++
      }
    }
  }

  /** A lease is prolonged by one row more of the same version; it counts for nothing once there is a higher one. */
  async renew({ logfile, version, owner }: Claim, leaseMs: number): Promise<boolean> {
    await this.insert({ file: logfile, version, state: 'claimed', owner, leaseMs }, randomUUID(), `renewal:${randomUUID()}`)
    const [row] = await this.link.rows<{ last: number }>(sql`SELECT max(version) AS last FROM ${this.table} WHERE id = ${logfile.id}`)
    return row?.last === version
  }

  /** The holder's last word: true when this version was the last, and done is now the one after it. */
  async finish({ logfile, version, owner }: Claim): Promise<boolean> {
    return this.enter({ file: logfile, version: version + 1, state: 'done', owner, leaseMs: 0 })
  }

  async backlog(): Promise<number> {
    const [row] = await this.link.rows<{ files: string }>(
      sql`SELECT count() AS files FROM (SELECT id, argMax(state, version) AS now FROM ${this.table} GROUP BY id) WHERE now != 'done'`,
    )
    return Number(row?.files ?? 0)
  }

  async outcomes(ids: readonly number[]) {
    if (ids.length === 0) return []
    const outcomes: { readonly id: number; readonly receipt: Receipt }[] = []
    for (const row of await this.link.rows<VersionRow>(sql`
      SELECT id, toInt32(0) AS last, ${whose}
      FROM ${this.table} WHERE id IN (${list(ids)}) AND state = 'done' GROUP BY id`)) {
      const file = toLogfile(row)
      const receipt: Receipt[] = []
      for (const range of file.ranges) {
        const { source, first, count } = range
        const rejects = await this.link.rows<{ position: string; reason: string }>(sql`
          SELECT position, reason FROM ${id(this.address.schema, rejectTable)}
          WHERE source = ${source} AND position >= ${first} AND position < ${first + count} ORDER BY position`)
        receipt.push(receiptOf(range, rejects))
      }
      outcomes.push({ id: file.id, receipt: receipt.flat() })
    }
    return outcomes
  }

  async close(): Promise<void> {
    const opened = this.opened
    this.opened = undefined
    await opened?.close()
  }

  private get table(): Sql {
    return id(this.address.schema, logfileTable)
  }

  private get link(): Link {
    this.opened ??= new Link(this.address.url)
    return this.opened
  }

  /** Oldest files that are new, or whose holder has not been heard of; time is the server's alone. */
  private free(): Promise<VersionRow[]> {
    return this.link.rows<VersionRow>(sql`
      SELECT id, last, path, ranges FROM (
        SELECT id, max(version) AS last, argMax(state, version) AS now, max((version, lease_until)).2 AS lease, ${whose}
        FROM ${this.table} GROUP BY id
      ) WHERE now = 'new' OR (now = 'claimed' AND lease < ${clock}) ORDER BY id LIMIT ${candidates}`)
  }

  /**
   * Takes a version: one INSERT at the most with its token gets in, and the row that is there says whose it was. Should
   * two be there, because the token was forgotten meanwhile, the earlier one is whose it is, for everybody who looks.
   */
  private async enter(version: Version): Promise<boolean> {
    const nonce = randomUUID()
    const token = `${version.file.id}:${version.version}`
    const holder = (await this.compete(version, nonce, token)) ?? (await this.compete(version, nonce, `${token}:again`))
    // Said twice by the same holder, as by a writer that did not hear the answer, it is still the holder's word.
    return holder?.nonce === nonce || (version.state === 'done' && holder?.state === 'done' && holder.owner === version.owner)
  }

  /** Undefined when a server that was killed has noted the token and lost the row. */
  private async compete(version: Version, nonce: string, token: string): Promise<Holder | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        await this.insert(version, nonce, token)
        const [row] = await this.link.rows<Holder & { readonly rows: string }>(sql`
          SELECT count() AS rows, argMin(n, (at, n)) AS nonce, argMin(owner, (at, n)) AS owner, argMin(state, (at, n)) AS state
          FROM (SELECT nonce AS n, owner, state, at FROM ${this.table} WHERE id = ${version.file.id} AND version = ${version.version})`)
        return row === undefined || Number(row.rows) === 0 ? undefined : row
      } catch (error) {
        // The same row again: if the first one did get in, this one is dropped.
        const waitMs = waitsMs[tries]
        if (waitMs === undefined || this.opened === undefined || !isPassing(error)) throw error
        await delay(waitMs)
      }
    }
  }

  private async insert({ file, version, state, owner, leaseMs }: Version, nonce: string, token: string): Promise<void> {
    const { url, schema } = this.address
    await this.link.run(
      sql`INSERT INTO ${id(schema, logfileTable)} (id, version, state, owner, nonce, at, lease_until, path, ranges)
        SELECT ${file.id}, ${version}, ${state}, ${owner}, ${nonce}, toUnixTimestamp64Micro(now64(6)), ${clock} + ${leaseMs},
          ${file.path}, ${JSON.stringify(compactRanges(file.ranges))}`,
      insertSettings(url, this.abilities, token),
    )
  }
}

/** The server's clock, milliseconds. */
const clock = sql`toUnixTimestamp64Milli(now64(3))`

/** What a file is, by the word of who registered it: should two have come through under one number, the earlier one. */
const whose = sql`argMin(path, (at, nonce)) AS path, argMin(ranges, (at, nonce)) AS ranges`

function toLogfile({ id: number, path, ranges }: VersionRow): Logfile {
  return { id: Number(number), path, ranges: rangesOf(JSON.parse(ranges) as CompactRange[]) }
}
