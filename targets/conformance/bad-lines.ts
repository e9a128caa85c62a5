/** Lines of every kind that is no record, among good ones, are rejected with their reasons and kept, in every format. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { openSource } from '../../generators/open.js'
import { type Format, formats, type RejectReason } from '../../generators/record.js'
import { type Check, unaudited } from './check.js'
import { Setting, withinMonth } from './setting.js'

interface BadLine {
  readonly reason: RejectReason
  readonly line: Buffer
}

/** A line of each kind, made from a good one so that nothing else is wrong with it. */
function badLines(good: string, format: Format): readonly BadLine[] {
  const json = format === 'json'
  const changed = (reason: RejectReason, from: RegExp, to: string): BadLine => {
    const line = good.replace(from, to)
    assert.is.not(line, good, `no ${reason} could be made of ${good}`)
    return { reason, line: Buffer.from(line, 'latin1') }
  }
  return [
    { reason: 'empty line', line: Buffer.alloc(0) },
    { reason: 'empty line', line: Buffer.from('\r') },
    { reason: 'truncated or malformed line', line: Buffer.from(good.slice(0, good.indexOf('HTTP/'))) },
    { reason: 'truncated or malformed line', line: Buffer.from(good.slice(0, 9)) },
    { reason: json ? 'truncated or malformed line' : 'bad address', line: Buffer.from('no log line at all') },
    { reason: 'NUL byte', line: Buffer.from(good.replace('HTTP/', 'HT\0P/')) },
    { reason: 'invalid UTF-8', line: Buffer.from(Uint8Array.from({ length: 300 }, (_, i) => (i % 245) + 11)) },
    changed('invalid UTF-8', /HTTP\//, 'HT\xffP/'),
    { reason: 'line too long', line: Buffer.alloc(1_000_000, 'a') },
    { reason: 'line too long', line: Buffer.alloc(1_200_000, 'b') },
    json ? changed('bad date', /2026-03/, '2026-13') : changed('bad date', /\/Mar\//, '/Mrz/'),
    json ? changed('bad address', /("remote_addr":")[^"]*/, '$1999.1.1.1') : changed('bad address', /^\S+/, '999.1.1.1'),
    json ? changed('bad status', /("status":"?)\d+/, '$1999999') : changed('bad status', /" \d{3} /, '" abc '),
  ]
}

/** Good lines with a bad one after every few. */
async function mixture(
  format: Format,
): Promise<{ readonly bytes: Buffer; readonly reasons: Map<number, RejectReason>; readonly count: number }> {
  const cursor = await openSource({ ...withinMonth, format }).open(0)
  const made = await cursor.next(140)
  await cursor.close()
  if (made === undefined) throw new Error('the stream has ended')
  const good = Buffer.from(made.lines).toString().trimEnd().split('\n')
  const bad = badLines(good[0] ?? '', format)
  const lines: Buffer[] = []
  const reasons = new Map<number, RejectReason>()
  good.forEach((line, i) => {
    const wrong = i % 10 === 7 ? bad[Math.floor(i / 10)] : undefined
    if (wrong !== undefined) {
      reasons.set(lines.length, wrong.reason)
      lines.push(wrong.line)
    }
    lines.push(Buffer.from(line))
  })
  assert.is(reasons.size, bad.length, 'every kind of bad line is in the file')
  return { bytes: Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])), reasons, count: lines.length }
}

export const rejection: Check = {
  name: 'bad lines',
  async run(module, ground) {
    const folder = await mkdtemp(join(tmpdir(), 'weir-bad-lines-'))
    try {
      for (const format of formats) {
        const { bytes, reasons, count } = await mixture(format)
        const path = join(folder, `${format}.log`)
        await writeFile(path, bytes)
        const setting = await Setting.open({ module, ground, source: { kind: 'file', source: 3, path, format } })
        try {
          await setting.replay({ records: count, chunkRecords: 50 })
          setting.assertWhole()
          const said = new Map(
            setting.settlements
              .filter(({ fate }) => fate === 'rejected')
              .flatMap(({ first, count, reason }) => Array.from({ length: count }, (_, i) => [first + i, reason] as const)),
          )
          const inOrder = (map: ReadonlyMap<number, unknown>) => [...map].sort(([a], [b]) => a - b)
          assert.equal(inOrder(said), inOrder(reasons), `${format}: positions and reasons of the rejected lines`)
          assert.is(setting.ledger.tally.stored, count - reasons.size)
          const audit = await setting.assertAudited()
          if (audit !== undefined) assert.is(audit.rejected, reasons.size)
        } finally {
          await setting.close()
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    return unaudited(ground)
  },
}
