/** The contract of a door: what stands at the one address of several instances and passes connections on to them. */
import type { ChildProcess } from 'node:child_process'
import type { ServicePart } from '../../service.js'
import type { Place } from './messages.js'

/** In the order in which they are looked for. */
export const balancers = ['haproxy', 'nginx', 'cluster'] as const
export type Balancer = (typeof balancers)[number]

export interface DoorOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly instances: number
  readonly scheme: 'http' | 'https'
  /** Told when it has to be opened again, and why. */
  onTrouble(message: string): void
}

export interface Door {
  /** Starts the process that an instance is to be: `instancePath`, with a channel. @param index 1 to the number of instances */
  fork(index: number): ChildProcess
  /** Where that instance is to listen. */
  place(index: number): Place
  /** To be called when the instances listen; resolves with the URL once requests reach them. @throws Error that says what was wrong */
  open(): Promise<string>
  /** To be called when the instances are gone. Passes on what they have answered, and leaves nothing. */
  close(): Promise<void>
  parts(): readonly ServicePart[]
}
