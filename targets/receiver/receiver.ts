/** Receiver: lines go over HTTP to receivers, which keep them as objects, and processors turn objects into rows. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Processors } from '../../services/processor/fleet.js'
import { startReceivers } from '../../services/receiver/instances/start.js'
import { type Acknowledgement, acknowledgements } from '../../services/receiver/intake.js'
import { defaultSettings } from '../../services/receiver/server.js'
import { defineTarget } from '../target.js'
import { Reception } from './reception.js'
import { Sender } from './sender.js'

/** Objects that may wait for each processor before `offer` makes the producer wait. */
const objectsPerProcessor = 4
const host = '127.0.0.1'
/** A silent receiver is given up after so long, and as long as a batch may stay open. */
const patienceMs = 30_000

export const receiver = defineTarget({
  name: 'receiver',
  summary: 'HTTP receivers that keep batches of lines as objects, and processors that turn objects into rows',
  image: () => ({ kind: 'rows', keeps: 'all' }),
  options: {
    receivers: { type: 'count', default: 1, min: 1, max: 64, summary: 'receiver processes' },
    processors: { type: 'count', default: 1, min: 1, max: 64, summary: 'processor processes' },
    ack: { type: 'word', default: defaultSettings.acknowledgement, words: acknowledgements, summary: 'when receivers acknowledge' },
    connections: { type: 'count', default: 8, min: 1, max: 4096, summary: 'requests under way at once' },
    requestRecords: { type: 'count', default: 10_000, min: 1, max: 30_000, summary: 'lines in a request' },
    requestLingerMs: { type: 'milliseconds', default: 10, min: 0, summary: 'longest wait for a request to fill' },
    objectRecords: {
      type: 'count',
      default: defaultSettings.batchRecords,
      min: 1,
      max: 1_000_000,
      store: 'batchRecords',
      summary: 'records after which a batch becomes an object',
    },
    objectLingerMs: { type: 'milliseconds', default: 250, min: 1, summary: 'longest wait for a batch to fill' },
    leaseMs: { type: 'milliseconds', default: 5000, min: 100, summary: 'after which the object of a dead processor is taken over' },
    pollMs: { type: 'milliseconds', default: 25, min: 1, summary: 'how often an idle processor looks for objects' },
  },
  unsupported: (store) => (store.logfiles === undefined ? (store.lacks.claims ?? 'it has no objects to register') : undefined),

  async open({ store, options, settle, recycle, scratch }) {
    const { logfiles } = store
    if (logfiles === undefined) throw new Error(`the store ${store.address.store} has no objects to register`)
    const folder = await mkdtemp(join(scratch, 'receiver-'))
    const objects = join(folder, 'objects')
    let reception: Reception | undefined
    const heard = (trouble: string) => reception?.heard(trouble)
    const ending: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
    const end = async () => {
      for (const step of ending.splice(0).reverse()) await step()
    }
    try {
      const receivers = await startReceivers({
        settings: {
          ...defaultSettings,
          objects,
          acknowledgement: options.ack as Acknowledgement,
          batchRecords: options.objectRecords,
          batchMs: options.objectLingerMs,
          keys: undefined,
          tls: undefined,
        },
        instances: options.receivers,
        // On one machine its own sharing of connections costs least.
        balancer: 'cluster',
        host,
        port: 0,
        token: undefined,
        onTrouble: heard,
      })
      ending.push(() => receivers.close())
      const { leaseMs, pollMs, connections, requestRecords, requestLingerMs, objectRecords } = options
      const processors = await Processors.start({
        processors: options.processors,
        orders: {
          settings: { objects, leaseMs, pollMs, removes: true },
          keys: undefined,
          address: store.address,
          host,
          port: 0,
          token: undefined,
        },
        onDone: (done) => reception?.done(done),
        onTrouble: heard,
        onDied: () => reception?.doubt(),
      })
      ending.push(() => processors.close())
      const sender = new Sender({
        url: receivers.url,
        connections,
        format: store.address.format,
        answerMs: patienceMs + options.objectLingerMs,
      })
      const taking = new Reception({
        sender,
        logfiles,
        settle,
        recycle,
        options: {
          requestRecords,
          requestLingerMs,
          connections,
          mostWaiting: options.processors * objectsPerProcessor * Math.max(objectRecords, requestRecords),
          durable: options.ack !== 'receipt',
          askMs: Math.max(100, pollMs),
        },
      })
      reception = taking
      ending.push(() => taking.close())
      return {
        offer: (chunk) => taking.offer(chunk),
        drain: (signal) => taking.drain(signal),
        close: end,
        parts: () => [...receivers.parts(), ...processors.parts()],
        counters: () => ({ requests: sender.requests, repeatedRequests: sender.repeated }),
        trouble: () => taking.trouble(),
      }
    } catch (error) {
      await end()
      throw error
    }
  },
})
