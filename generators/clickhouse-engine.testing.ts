/** The ClickHouse engines that tests of the kernel run on: the embedded one where chdb is installed, and the server that WEIR_TEST_CLICKHOUSE names. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ClickHouseEngine {
  readonly name: string
  /** Whether it has IPv6 as a type. */
  readonly ipv6: boolean
  run(statement: string): Promise<void>
  /** The answer's rows, as the format JSONCompact has them. */
  rows(query: string): Promise<unknown[][]>
  rowBinary(query: string): Promise<Uint8Array>
  insertNative(table: string, blocks: Uint8Array): Promise<void>
  close(): void
}

/** undefined where chdb is not installed. */
export async function embeddedEngine(): Promise<ClickHouseEngine | undefined> {
  const chdb = await import('chdb').catch(() => undefined)
  if (chdb === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'weir-native-'))
  const session = new chdb.Session(join(folder, 'data'))
  const file = join(folder, 'blocks.native')
  return {
    name: 'chdb',
    ipv6: true,
    run: async (statement) => {
      await session.queryAsync(statement)
    },
    rows: async (query) => (await session.queryAsync(query, { format: 'JSONCompact' })).json<{ data: unknown[][] }>().data,
    rowBinary: async (query) => (await session.queryAsync(query, { format: 'RowBinary' })).bytes(),
    insertNative: async (table, blocks) => {
      writeFileSync(file, blocks)
      await session.queryAsync(`INSERT INTO ${table} SELECT * FROM file('${file}', 'Native')`)
    },
    close: () => {
      session.cleanup()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** undefined where WEIR_TEST_CLICKHOUSE is not set. */
export async function givenEngine(): Promise<ClickHouseEngine | undefined> {
  const given = process.env['WEIR_TEST_CLICKHOUSE']
  if (given === undefined) return undefined
  const { origin, username, password } = new URL(given)
  const headers = { 'X-ClickHouse-User': decodeURIComponent(username) || 'default', 'X-ClickHouse-Key': decodeURIComponent(password) }
  const ask = async (query: string, body: Uint8Array | string = '') => {
    const answer = await fetch(`${origin}/?query=${encodeURIComponent(query)}`, { method: 'POST', headers, body })
    if (!answer.ok) throw new Error(`${query}: ${await answer.text()}`)
    return new Uint8Array(await answer.arrayBuffer())
  }
  const rows = async (query: string) =>
    (JSON.parse(Buffer.from(await ask(`${query} FORMAT JSONCompact`)).toString()) as { data: unknown[][] }).data
  const types = await rows("SELECT count() > 0 FROM system.data_type_families WHERE name = 'IPv6'")
  return {
    name: 'the server given',
    ipv6: Boolean(types[0]?.[0]),
    run: async (statement) => {
      await ask(statement)
    },
    rows,
    rowBinary: (query) => ask(`${query} FORMAT RowBinary`),
    insertNative: async (table, blocks) => {
      await ask(`INSERT INTO ${table} FORMAT Native`, blocks)
    },
    close: () => undefined,
  }
}
