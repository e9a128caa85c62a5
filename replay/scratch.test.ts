import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { removeAtOnce, withScratch } from './scratch.js'

test('a folder that is still being written into is removed on the way out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'scratch-test-'))
  // Writes faster than a folder is emptied, until the folder is gone or the time is over.
  const writer = new Worker(
    `const { writeFileSync } = require('node:fs')
    const { parentPort, workerData } = require('node:worker_threads')
    for (let at = 0; at < 500; at++) writeFileSync(workerData + '/' + at, 'x')
    parentPort.postMessage('writing')
    const end = Date.now() + 300
    try { for (let at = 500; Date.now() < end; at++) writeFileSync(workerData + '/' + at, 'x') } catch {}`,
    { eval: true, workerData: folder },
  )
  try {
    const ended = new Promise((resolve) => writer.once('exit', resolve))
    await new Promise((resolve) => writer.once('message', resolve))
    removeAtOnce(folder)
    assert.not(existsSync(folder))
    await ended
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('a folder lasts as long as the work, and goes also when that fails', async () => {
  const before = process.listenerCount('exit')
  let seen = ''
  await withScratch('run', async (folder) => {
    seen = folder
    assert.ok(existsSync(folder))
  })
  assert.not(existsSync(seen))
  try {
    await withScratch('run', async (folder) => {
      seen = folder
      throw new Error('in the midst')
    })
    assert.unreachable()
  } catch (error) {
    assert.is((error as Error).message, 'in the midst')
  }
  assert.not(existsSync(seen))
  assert.is(process.listenerCount('exit'), before)
})

test.run()
