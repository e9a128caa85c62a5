/** What the coordinator and its instances say to each other: plain data over the channel of a child process. */
import type { Receipt, StoreAddress } from '../../stores/store.js'

export interface InstanceOrders {
  readonly address: StoreAddress
  readonly owner: string
  /** Its number among the instances. */
  readonly index: number
  readonly leaseMs: number
  readonly pollMs: number
}

/** From the coordinator: begin; look for files now; finish the file in hand and go. */
export type ToInstance =
  | { readonly kind: 'begin'; readonly orders: InstanceOrders }
  | { readonly kind: 'files' }
  | { readonly kind: 'stop' }

export type FromInstance =
  | { readonly kind: 'ready' }
  | { readonly kind: 'claimed'; readonly id: number; readonly conflicts: number }
  | { readonly kind: 'done'; readonly id: number; readonly receipt: Receipt; readonly copiedBytes: number; readonly copiedRecords: number }
  /** Its lease ran out and another instance took the file over: that one will say what became of it. */
  | { readonly kind: 'lost'; readonly id: number }
  /** With a file's id: what was done to it may or may not have been committed. */
  | { readonly kind: 'trouble'; readonly id: number | undefined; readonly message: string }
