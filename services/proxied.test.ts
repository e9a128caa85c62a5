/** Lines of a balancer before a connection: whose address is seen, and what is turned away. */

import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { takeProxied } from './proxied.js'

let folder: string
let server: Server
test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-proxied-test-'))
  // Answers with what it knows of the connection and what it heard.
  server = createServer((socket) => {
    socket.on('data', (data) => socket.end(`${socket.remoteAddress} ${socket.remotePort} ${data}`))
  })
  takeProxied(server, 200)
  await new Promise<void>((done) => server.listen(join(folder, 'socket'), done))
})
test.after.each(async () => {
  await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true, force: true })
})

/** What comes back until the connection is closed. */
function say(...parts: readonly string[]): Promise<string> {
  return new Promise((done) => {
    const socket: Socket = connect(join(folder, 'socket'))
    let heard = ''
    socket.on('data', (data) => {
      heard += data.toString()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => done(heard))
    const next = (i: number) => {
      const part = parts[i]
      if (part !== undefined) socket.write(part, () => setImmediate(() => next(i + 1)))
    }
    next(0)
  })
}

test('the address of the line is the address of the connection, however the line is cut', async () => {
  assert.is(await say('PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nhello'), '192.0.2.7 4711 hello')
  assert.is(await say('PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n', 'hello'), '2001:db8::7 4711 hello')
  assert.is(await say('PRO', 'XY TCP4 192.0.2.7 192.0.2.1 47', '11 80\r', '\nhello'), '192.0.2.7 4711 hello')
})

test('a line that names nobody lets the connection through', async () => {
  assert.is(await say('PROXY UNKNOWN\r\nhello'), 'undefined undefined hello')
})

test('what begins otherwise, or not at all, is closed without an answer', async () => {
  const wrong = ['hello\r\n', 'PROXY TCP4 x y\r\nhello', `PROXY TCP4 ${'1'.repeat(200)}`, '\r\nhello', 'PROXY TCP4 192.0.2.7', '']
  for (const line of wrong) assert.is(await say(line), '', JSON.stringify(line))
})

test.run()
