/** A door that is a program: haproxy or nginx passes connections on, as they are, to the instances' Unix sockets. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { temporaryPrefix } from '../../../stores/temporary.js'
import { freeAddress, urlOf } from '../../listening.js'
import type { ServicePart } from '../../service.js'
import { BalancerKeeper } from './balancer-keeper.js'
import type { Door, DoorOptions } from './door.js'
import { instancePath } from './instance.js'
import type { Place } from './messages.js'
import type { Program } from './programs.js'

/** Of a port that was free, somebody else may be quicker to use it. */
const tries = 3
/** For connections that are open when it is told to go, milliseconds; haproxy ends by itself before. */
const graceMs = 8_000
/** For the first answer to come through it. */
const patienceMs = 30_000
const reopenMs = 200

/** @throws Error when nobody can listen there, or the program is not here; nothing is left then */
export async function programDoor(program: Program, options: DoorOptions): Promise<Door> {
  const command = program.command()
  if (command === undefined) throw new Error(`${program.name} is not here: ${program.remedy}`)
  // Before anything is started: a port in use is the likeliest of all troubles.
  const address = await freeAddress(options.host, options.port)
  return new ProgramDoor(program, command, options, address, await mkdtemp(join(tmpdir(), temporaryPrefix('balancer'))))
}

class ProgramDoor implements Door {
  private keeper: BalancerKeeper
  /** Whether it keeps a program by now. */
  private running = false
  private closing = false
  private reopening: Promise<void> | undefined

  constructor(
    private readonly program: Program,
    private readonly command: NonNullable<ReturnType<Program['command']>>,
    private readonly options: DoorOptions,
    private address: AddressInfo,
    private readonly folder: string,
  ) {
    this.keeper = this.makeKeeper()
  }

  fork(): ChildProcess {
    return fork(instancePath, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
  }

  place(index: number): Place {
    return { kind: 'socket', path: this.socket(index) }
  }

  async open(): Promise<string> {
    for (let left = tries; ; left--) {
      try {
        await this.start()
        return urlOf(this.address, this.options.scheme)
      } catch (error) {
        if (this.options.port !== 0 || left === 1) throw error
        this.address = await freeAddress(this.options.host, 0)
      }
    }
  }

  async close(): Promise<void> {
    this.closing = true
    await this.reopening
    if (this.running) {
      await this.passedOn()
      this.keeper.signal(this.program.leave)
      await Promise.race([this.keeper.ended, pause(graceMs, undefined, { ref: false })])
    }
    await this.keeper.end()
    await rm(this.folder, { recursive: true, force: true })
  }

  parts(): readonly ServicePart[] {
    const { keeper } = this
    if (keeper.pid === undefined || !this.running) return []
    return [{ name: this.program.name, kind: 'process', pid: keeper.pid, kill: async () => keeper.kill() }]
  }

  private get file(): string {
    return join(this.folder, `${this.program.name}.conf`)
  }

  private makeKeeper(): BalancerKeeper {
    return new BalancerKeeper(this.folder, this.command(this.folder, this.file))
  }

  /** The next one first, so that there is no moment at which nobody would remove the folder. */
  private replaceKeeper(): void {
    const old = this.keeper
    this.keeper = this.makeKeeper()
    old.leaveFolder()
  }

  private socket(index: number): string {
    return join(this.folder, `instance-${index}.sock`)
  }

  /** Starts the program; resolves when a request has come through. @throws Error with what the program said, if it ended instead */
  private async start(): Promise<void> {
    const sites = {
      folder: this.folder,
      host: this.address.address,
      port: this.address.port,
      sockets: Array.from({ length: this.options.instances }, (_, i) => this.socket(i + 1)),
    }
    await writeFile(this.file, this.program.configuration(sites), { mode: 0o600 })
    const { keeper } = this
    keeper.run()
    let said: string | undefined
    void keeper.ended.then((last) => {
      said = last
    })
    const deadline = performance.now() + patienceMs
    // Should it be closed before, nobody is there to answer any more.
    while (said === undefined && !this.closing && !(await answers(urlOf(this.address, this.options.scheme)))) {
      if (performance.now() > deadline) keeper.kill()
      await pause(10)
    }
    if (said !== undefined) {
      this.replaceKeeper()
      throw new Error(`${this.program.name} could not start: ${said === '' ? 'it said nothing' : said}`)
    }
    this.running = true
    void keeper.ended.then(() => {
      if (!this.closing) this.reopening = this.reopen()
    })
  }

  private async reopen(): Promise<void> {
    this.options.onTrouble(`${this.program.name} ended, and is started again`)
    this.running = false
    this.replaceKeeper()
    while (!this.closing) {
      try {
        return await this.start()
      } catch (error) {
        this.options.onTrouble((error as Error).message)
        await pause(reopenMs)
      }
    }
  }

  /** Events come to a balancer in order: when it has dealt with a connection that is made now, answers that lay before it are on their way. */
  private passedOn(): Promise<void> {
    return new Promise((done) => {
      const { port, address } = this.address
      const socket = connect({ port, host: address })
      socket.setTimeout(1_000, () => socket.destroy())
      socket.on('error', () => undefined)
      socket.on('end', () => socket.destroy())
      socket.on('close', () => done())
      socket.resume()
    })
  }
}

/** Whether an instance is reached there. Asked of Weir's own address, whose certificate says nothing about who asks. */
function answers(url: string): Promise<boolean> {
  return new Promise((done) => {
    const request = url.startsWith('https:') ? requestHttps : requestHttp
    const asked = request(`${url}/health`, { agent: false, rejectUnauthorized: false, timeout: 1_000 }, (answer) => {
      answer.resume()
      // Whatever it is: a balancer that passes connections on has no answers of its own.
      done(true)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => done(false))
    asked.end()
  })
}
