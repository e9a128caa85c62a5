/** What the instances and the process that starts them say to each other: plain data over the channel of a child process. */
import type { Key } from '../../../objects/keys.js'
import type { Metrics, ReceiverSettings } from '../server.js'
import type { Count } from '../siblings.js'

/** Where an instance listens: behind a balancer, or at the address itself, which cluster has it share. */
export type Place =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'address'; readonly host: string; readonly port: number }

export interface InstanceOrders {
  /** Keys are objects of a class, which does not pass a channel. */
  readonly settings: Omit<ReceiverSettings, 'keys'>
  readonly keys: readonly Key[] | undefined
  readonly token: string | undefined
  readonly place: Place
}

/** What an instance cannot know alone. */
export type Question = { readonly kind: 'count'; readonly address: string } | { readonly kind: 'metrics' }

/** To an instance: begin; answer what is under way, store all, and go; what do your metrics say; the answer to a question. */
export type ToInstance =
  | { readonly kind: 'begin'; readonly orders: InstanceOrders }
  | { readonly kind: 'stop' }
  | { readonly kind: 'report'; readonly id: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Count | string }

export type FromInstance =
  /** It hears from now on: cluster drops what is said before. */
  | { readonly kind: 'here' }
  | { readonly kind: 'listening' }
  | { readonly kind: 'trouble'; readonly message: string }
  | { readonly kind: 'report'; readonly id: number; readonly metrics: Metrics }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
