/** A door of Node's own: this process accepts connections and hands each to the next instance. */
import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import type { AddressInfo } from 'node:net'
import { freeAddress, urlOf } from '../../listening.js'
import type { Door, DoorOptions } from './door.js'
import { instancePath } from './instance.js'
import type { Place } from './messages.js'

export async function clusterDoor({ host, port, scheme }: DoorOptions): Promise<Door> {
  // Known before the first instance listens: two doors of one process that both listened on port 0 would be one to cluster.
  return new ClusterDoor(await freeAddress(host, port), scheme)
}

class ClusterDoor implements Door {
  constructor(
    private readonly address: AddressInfo,
    private readonly scheme: 'http' | 'https',
  ) {}

  fork(): ChildProcess {
    cluster.schedulingPolicy = cluster.SCHED_RR
    // Each time: the settings are those of the whole process, and somebody else may have others.
    cluster.setupPrimary({ exec: instancePath, args: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' })
    return cluster.fork().process
  }

  place(): Place {
    return { kind: 'address', host: this.address.address, port: this.address.port }
  }

  async open(): Promise<string> {
    return urlOf(this.address, this.scheme)
  }

  async close(): Promise<void> {}

  parts(): readonly [] {
    return []
  }
}
