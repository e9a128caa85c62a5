/** The receiver against nginx that throws the same bodies away, and all its road to the store against single-thread. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startReceivers } from '../../services/receiver/instances/start.js'
import { acknowledgements } from '../../services/receiver/intake.js'
import { defaultSettings } from '../../services/receiver/server.js'
import { interleave, ratioText, type Side, thousands } from './interleave.js'
import type { Bench } from './stores.js'
import { benchSource, targetRate } from './table-setting.js'

const host = '127.0.0.1'
const seconds = 4
/** Lines in a request, and requests at a time: small ones share a flush of the write-ahead log. */
const shapes = [
  { count: 1, connections: 64 },
  { count: 100, connections: 64 },
  { count: 10_000, connections: 8 },
] as const
const pairs = 5

/** Requests a second of what wrk sends, each with so many lines and an identity of its own. */
export async function receiverNginxBench({ scratch }: Bench): Promise<string> {
  for (const program of ['nginx', 'wrk'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
      return `receiver against nginx: not measured, ${program} is not installed (Debian: apt-get install nginx-light wrk)`
  const folder = await mkdtemp(join(scratch, 'nginx-'))
  const nginx = await startNginx(folder)
  try {
    const lines: string[] = []
    for (const { count, connections } of shapes) {
      const script = await bodyOf(count, folder)
      const rates: number[] = []
      const seen = await interleave(
        await receiverSide(script, connections, folder, rates),
        { name: 'nginx', run: () => wrk(nginx.url, script, connections) },
        pairs,
      )
      const perSecond = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
      lines.push(
        `receiver (append) / nginx answering 204, ${count} line${count === 1 ? '' : 's'} in a request, one process each, ${connections} connections: ${ratioText(seen)}; ${thousands(perSecond)} requests/s, ${thousands(perSecond * count)} lines/s`,
      )
    }
    return lines.join('\n')
  } finally {
    nginx.child.kill('SIGQUIT')
    await nginx.ended
  }
}

/** Records a second until they are stored. */
export async function receiverStoredBench({ server, scratch }: Bench): Promise<string> {
  const source = benchSource()
  const records = 1_000_000
  const lines: string[] = []
  for (const ack of acknowledgements) {
    const seen = await interleave(
      { name: `receiver, --ack ${ack}`, run: () => targetRate(server, source, records, { name: 'receiver', options: { ack } }, scratch) },
      { name: 'single-thread', run: () => targetRate(server, source, records, { name: 'single-thread' }, scratch) },
      pairs,
    )
    lines.push(
      `receiver, object and processor / single-thread, to stored in Postgres, requests of 10,000 lines, --ack ${ack}: ${ratioText(seen)}${ack === 'append' ? ' (wanted: at least 0.7)' : ''}`,
    )
  }
  return lines.join('\n')
}

/** A receiver of its own for each run, on a folder of its own. */
async function receiverSide(script: string, connections: number, folder: string, rates: number[]): Promise<Side> {
  return {
    name: 'receiver',
    async run() {
      const objects = await mkdtemp(join(folder, 'objects-'))
      const receiver = await startReceivers({
        settings: { ...defaultSettings, objects, keys: undefined, tls: undefined },
        instances: 1,
        balancer: 'cluster',
        host,
        port: 0,
        token: undefined,
      })
      try {
        const rate = await wrk(`${receiver.url}/v1/lines`, script, connections)
        rates.push(rate)
        return rate
      } finally {
        await receiver.close()
        await rm(objects, { recursive: true, force: true })
      }
    },
  }
}

/** A script for wrk: the body, and positions that go on from request to request, apart for each of its threads. */
async function bodyOf(count: number, folder: string): Promise<string> {
  const cursor = await benchSource().open(0)
  const pieces: Uint8Array[] = []
  for (let left = count; left > 0; ) {
    const made = await cursor.next(left)
    if (made === undefined) break
    pieces.push(Uint8Array.from(made.lines))
    left -= made.count
  }
  await cursor.close()
  const body = join(folder, `body-${count}`)
  await writeFile(body, Buffer.concat(pieces))
  const script = join(folder, `send-${count}.lua`)
  await writeFile(
    script,
    `local file = io.open(${JSON.stringify(body)}, "rb")
local body = file:read("*a")
file:close()
local source = math.floor(tonumber(tostring({}):match("0x(%x+)"), 16) / 16) % 1000000
local first = 0
local headers = { ["content-type"] = "text/plain", ["weir-source"] = tostring(source) }
request = function()
  headers["weir-first"] = string.format("%d", first)
  first = first + ${count}
  return wrk.format("POST", nil, headers, body)
end
done = function(summary)
  local errors = summary.errors
  io.write(string.format("\\nweir %d %d %d\\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`,
  )
  return script
}

/** Requests a second. @throws Error when one of them went wrong */
async function wrk(url: string, script: string, connections: number): Promise<number> {
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString()
  })
  await new Promise((done) => child.once('close', done))
  const [, requests, micros, errors] = /^weir (\d+) (\d+) (\d+)$/m.exec(said) ?? []
  if (requests === undefined || Number(errors) > 0) throw new Error(`wrk against ${url}: ${errors ?? 'all'} requests failed\n${said}`)
  return (Number(requests) * 1e6) / Number(micros)
}

async function startNginx(
  folder: string,
): Promise<{ readonly url: string; readonly child: ChildProcess; readonly ended: Promise<unknown> }> {
  const port = await freePort()
  const configuration = join(folder, 'nginx.conf')
  await writeFile(
    configuration,
    `daemon off;
worker_processes 1;
error_log stderr;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_max_body_size 64m;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  server { listen ${host}:${port}; location / { return 204; } }
}
`,
  )
  const child = spawn('nginx', ['-p', folder, '-c', configuration], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise((done) => child.once('close', done))
  const url = `http://${host}:${port}`
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return { url, child, ended }
    await pause(50)
  }
  child.kill('SIGKILL')
  throw new Error('nginx did not start')
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, host, () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}
