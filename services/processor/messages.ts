/** What a processor in a process of its own and its parent say to each other: plain data over the channel of a child process. */
import type { Key } from '../../objects/keys.js'
import type { StoreAddress } from '../../stores/store.js'
import type { DoneObject } from './processing.js'
import type { ProcessorSettings } from './server.js'

export interface ProcessorOrders {
  /** Keys are objects of a class, which does not pass a channel. */
  readonly settings: Omit<ProcessorSettings, 'keys'>
  readonly keys: readonly Key[] | undefined
  readonly address: StoreAddress
  readonly host: string
  readonly port: number
  readonly token: string | undefined
}

/** Begin; there may be objects; finish what is in hand and go. */
export type ToProcessor =
  | { readonly kind: 'begin'; readonly orders: ProcessorOrders }
  | { readonly kind: 'rouse' }
  | { readonly kind: 'stop' }

export type FromProcessor =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'done'; readonly done: DoneObject }
  | { readonly kind: 'trouble'; readonly message: string }
