/** A process of its own that starts an embedded server, says where it is, and waits to be ended: `node embedded.testing.js [data directory]`. */
import { fileURLToPath } from 'node:url'
import { connect } from './connect.js'
import { EmbeddedServer } from './embedded.js'

export const holder = fileURLToPath(import.meta.url)

if (process.argv[1] === holder) {
  const dataDirectory = process.argv[2]
  const server = await EmbeddedServer.start({ durability: 'power', ...(dataDirectory === undefined ? {} : { dataDirectory }) })
  const [pid] = await server.processes()
  const client = await connect(server.url)
  const { rows } = await client.query<{ data: string }>(`SELECT current_setting('data_directory') AS data`)
  await client.end()
  process.stdout.write(`${JSON.stringify({ url: server.url, pid, data: rows[0]?.data })}\n`)
  setInterval(() => undefined, 1_000_000)
}
