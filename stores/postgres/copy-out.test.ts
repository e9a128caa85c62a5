/** Copies out of real servers, whichever way the network cuts them: the same bytes, nothing of the protocol between them, and the connection as before. */
import { once } from 'node:events'
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import type pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { connect } from './connect.js'
import { copyOut } from './copy-out.js'
import { failure, type Ground, numberOf, onServers } from './servers.testing.js'

/** Rows of many lengths, a NULL among them, and one that is longer than any piece. */
const rows = `COPY (SELECT i, repeat('x', i * 7 % 301), nullif(i, 5), repeat('d', CASE i WHEN 77 THEN 300000 ELSE 0 END)
  FROM generate_series(1, 400) i) TO STDOUT (FORMAT binary)`

/** Everything that a copy yields, as one buffer. */
async function all(client: pg.Client, text: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of copyOut(client, text)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** The bodies of messages that are CopyData, each and every one. */
function bodies(wire: Buffer): Buffer {
  const found: Buffer[] = []
  for (let at = 0; at < wire.length; ) {
    assert.is(wire[at], 0x64, `at ${at} there is something else than a CopyData message`)
    const end = at + 1 + wire.readUInt32BE(at + 1)
    assert.ok(end <= wire.length, 'the last message is cut off')
    found.push(wire.subarray(at + 5, end))
    at = end
  }
  return Buffer.concat(found)
}

/** A network in between that hands on what the server says in pieces of these sizes, over and over. */
async function through(ground: Ground, sizes: readonly number[]): Promise<pg.Client> {
  const url = new URL(ground.url)
  const port = Number(url.port || 5432)
  const sockets: Socket[] = []
  const proxy: Server = createServer((inner) => {
    const outer = connectSocket(port, '127.0.0.1')
    sockets.push(inner, outer)
    inner.setNoDelay(true)
    inner.on('error', () => undefined)
    outer.on('error', () => undefined)
    inner.pipe(outer)
    // It ends with the sockets, when the test does.
    dribble(outer, inner, sizes).catch(() => undefined)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  ground.closing({
    close: async () => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  })
  const address = proxy.address()
  url.port = String(typeof address === 'object' ? address?.port : '')
  url.hostname = '127.0.0.1'
  url.searchParams.delete('host')
  const client = await connect(url.href)
  ground.closing({ close: () => client.end() })
  return client
}

async function dribble(from: Socket, to: Socket, sizes: readonly number[]): Promise<void> {
  let turn = 0
  for await (const data of from as AsyncIterable<Buffer>) {
    for (let at = 0; at < data.length; ) {
      const size = sizes[turn++ % sizes.length] ?? 1
      // One turn of the loop for each piece, so that the reader's socket sees them one by one.
      await new Promise((resolve) => to.write(data.subarray(at, at + size), resolve))
      at += size
    }
  }
  to.end()
}

onServers('a copy holds rows and nothing else, and leaves the connection as it was', async (ground) => {
  const client = await ground.client()
  const first = bodies(await all(client, rows))
  assert.is(first.subarray(0, 6).toString('latin1'), 'PGCOPY')
  assert.equal([...first.subarray(-2)], [0xff, 0xff])
  assert.ok(first.length > 300_000)
  assert.is(await numberOf(client, 'SELECT 42'), 42)
  assert.ok(bodies(await all(client, rows)).equals(first))
})

for (const sizes of [[1, 2, 3, 4, 5, 6, 7, 5_000], [1_000], [8_192, 3, 1]]) {
  onServers(`pieces of ${sizes.join(', ')} bytes put together are the copy`, async (ground) => {
    const expected = await all(await ground.client(), rows)
    const client = await through(ground, sizes)
    assert.ok((await all(client, rows)).equals(expected))
    assert.is(await numberOf(client, 'SELECT 42'), 42)
    assert.ok((await all(client, rows)).equals(expected))
  })
}

onServers('what the server has to say in between is no part of the copy', async (ground) => {
  const store = await ground.run()
  const client = await through(ground, [1, 2, 3, 4, 5, 6, 7, 50])
  const { schema } = store.address
  await client.query(`CREATE FUNCTION ${schema}.warned(i int) RETURNS int LANGUAGE plpgsql AS $$
    BEGIN RAISE WARNING 'row %', i; PERFORM set_config('application_name', 'weir ' || i, false); RETURN i; END $$`)
  const plain = bodies(await all(client, 'COPY (SELECT i FROM generate_series(1, 50) i) TO STDOUT (FORMAT binary)'))
  const warned = bodies(await all(client, `COPY (SELECT ${schema}.warned(i) FROM generate_series(1, 50) i) TO STDOUT (FORMAT binary)`))
  assert.ok(warned.equals(plain))
})

onServers('an error in the middle is thrown, and the connection is as before', async (ground) => {
  const client = await ground.client()
  const error = await failure(all(client, 'COPY (SELECT 1 / (i - 5000) FROM generate_series(1, 9000) i) TO STDOUT (FORMAT binary)'))
  assert.match(error.message, 'division by zero')
  assert.is(await numberOf(client, 'SELECT 42'), 42)
})

onServers('a connection cut in the middle is thrown', async (ground) => {
  const client = await ground.client()
  const pid = await numberOf(client, 'SELECT pg_backend_pid()')
  const killer = await ground.client()
  const reading = (async () => {
    let pieces = 0
    for await (const _ of copyOut(client, "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT (FORMAT binary)")) {
      if (pieces++ === 0) await killer.query('SELECT pg_terminate_backend($1)', [pid])
    }
  })()
  assert.instance(await failure(reading), Error)
})

test.run()
