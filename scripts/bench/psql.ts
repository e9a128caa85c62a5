/** The yardstick: psql copying ready-made rows into an identical empty table, through the parent, over N connections. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs `\copy ... from FILE with (format binary)` once for each file, at the same time.
 * @param url connection URL of the server
 * @param table qualified and quoted
 * @returns milliseconds from the first start to the last end, as psql's own \timing has them: its start-up is left out
 * @throws when psql is missing or fails, with what it said
 */
export async function copyWithPsql(url: string, table: string, columns: readonly string[], files: readonly string[]): Promise<number> {
  const times = await Promise.all(
    files.map(async (file) => {
      const script = ['\\timing on', `\\copy ${table} (${columns.join(', ')}) from '${file}' with (format binary)`].join('\n')
      const psql = spawn('psql', ['--no-psqlrc', '--set', 'ON_ERROR_STOP=1', '--dbname', url, '--file', '-'], {
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      let said = ''
      let complained = ''
      psql.stdout.on('data', (data: Buffer) => {
        said += data.toString()
      })
      psql.stderr.on('data', (data: Buffer) => {
        complained += data.toString()
      })
      psql.stdin.end(`${script}\n`)
      const [status] = (await once(psql, 'close')) as [number]
      const time = /Time: ([\d.]+) ms/.exec(said)
      if (status !== 0 || time === null) throw new Error(`psql could not copy ${file}: ${complained.trim() || said.trim()}`)
      return Number(time[1])
    }),
  )
  // All start together, so the longest is the wall clock.
  return Math.max(...times)
}
