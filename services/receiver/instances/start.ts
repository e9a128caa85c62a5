/** Starts a receiver of several processes behind one address: one service to whoever sends. */
import type { ServicePart } from '../../service.js'
import type { ReceiverOptions } from '../server.js'
import { clusterDoor } from './cluster-door.js'
import { type Balancer, balancers, type Door, type DoorOptions } from './door.js'
import { Fleet } from './fleet.js'
import { programDoor } from './program-door.js'
import { programs } from './programs.js'

export interface ReceiversOptions extends Pick<ReceiverOptions, 'settings' | 'host' | 'port' | 'token'> {
  readonly instances: number
  readonly balancer: Balancer
  onTrouble?(message: string): void
}

export interface RunningReceivers {
  readonly url: string
  /** The instances that listen, and the balancer where it is a process of its own. */
  parts(): readonly ServicePart[]
  /** Answers what is under way, stores what was taken, and leaves no process, no port and no file. Idempotent. */
  close(): Promise<void>
}

/** Why a balancer cannot be used on this machine, with what to do; undefined when it can. */
export function missing(balancer: Balancer): string | undefined {
  const program = programs.find(({ name }) => name === balancer)
  return program === undefined || program.command() !== undefined ? undefined : program.remedy
}

/** The first that can be used on this machine. */
export function firstPresent(): Balancer {
  return balancers.find((name) => missing(name) === undefined) ?? 'cluster'
}

/**
 * Resolves when requests reach the instances. One that dies is started again, takes over what journals the dead one has left,
 * and stores it, while the others go on.
 * @throws Error that says what was wrong and what to do; nothing is left then
 */
export async function startReceivers(options: ReceiversOptions): Promise<RunningReceivers> {
  const { settings, instances, balancer, host, port, token, onTrouble = () => undefined } = options
  const scheme = settings.tls === undefined ? 'http' : 'https'
  const door = await openDoor(balancer, { host, port, instances, scheme, onTrouble })
  const { keys, ...others } = settings
  const fleet = new Fleet({ door, instances, orders: { settings: others, keys: keys?.all(), token }, onTrouble })
  const end = async () => {
    await fleet.close()
    await door.close()
  }
  try {
    await fleet.start()
    const url = await door.open()
    let ending: Promise<void> | undefined
    return {
      url,
      parts: () => [...fleet.parts(), ...door.parts()],
      close() {
        ending ??= end()
        return ending
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

function openDoor(balancer: Balancer, options: DoorOptions): Promise<Door> {
  const program = programs.find(({ name }) => name === balancer)
  return program === undefined ? clusterDoor(options) : programDoor(program, options)
}
