/** What runs in each thread of the worker pool: one store, one writer, opened with the thread. */
import { threadId } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Chunk } from '../../generators/record.js'
import { openStore } from '../../stores/index.js'
import type { Receipt, StoreAddress } from '../../stores/store.js'
import { threadNumber } from '../thread-number.js'

export const workerUrl = import.meta.url

export interface WorkerTask {
  /** Empty to have the connection opened and nothing else. */
  readonly batch: readonly Chunk[]
}

export interface WorkerAnswer {
  readonly receipt: Receipt
  /** Copied in user space since the last answer. */
  readonly copiedBytes: number
  readonly copiedRecords: number
  /** Which thread this is: to Node and to the operating system. */
  readonly threadId: number
  readonly tid: number | undefined
}

const thread = { threadId, tid: threadNumber() }
let opening: ReturnType<typeof open> | undefined
let reported = { bytes: 0, records: 0 }

async function open() {
  const { address } = Piscina.workerData as { address: StoreAddress }
  const store = await openStore(address)
  return store.writer({ index: threadId })
}

export default async function write({ batch }: WorkerTask): Promise<WorkerAnswer> {
  opening ??= open()
  // A store that could not be reached may be there for the next batch.
  opening.catch(() => {
    opening = undefined
  })
  const writer = await opening
  const receipt = batch.length === 0 ? [] : await writer.write(batch)
  const copied = writer.copied()
  const answer = { ...thread, receipt, copiedBytes: copied.bytes - reported.bytes, copiedRecords: copied.records - reported.records }
  reported = copied
  return answer
}
