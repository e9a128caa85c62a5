/** Starts a receiver on a folder of objects: in this process, whoever's it is. */
import { realpath } from 'node:fs/promises'
import { isAbsolute, join, relative } from 'node:path'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import { makeFolder } from '../../objects/durable-folder.js'
import { openObjects } from '../../objects/index.js'
import type { Keyring } from '../../objects/keys.js'
import { describeS3Place, isUrl, parseS3Place } from '../../objects/s3-place.js'
import type { Tls } from '../listener.js'
import { listen, listenOnSocket } from '../listening.js'
import type { RunningService } from '../service.js'
import { type Receiver, receiverApp } from './app.js'
import { type Acknowledgement, Intake } from './intake.js'
import { type JournalFolder, noJournals, openJournalFolder } from './journal-folder.js'
import type { Siblings } from './siblings.js'

export interface ReceiverSettings {
  /** A folder, made if it is not there, or s3://bucket/prefix. */
  readonly objects: string
  /** The write-ahead logs' folder; undefined: `.journals` in that of the objects, and none where they lie in S3. */
  readonly journals?: string | undefined
  readonly acknowledgement: Acknowledgement
  readonly batchRecords: number
  readonly batchMs: number
  readonly bodyBytes: number
  readonly unpackedBytes: number
  readonly requestsPerSecond: number
  readonly arrivalMs: number
  readonly mostHeldBytes: number
  readonly keys: Keyring | undefined
  readonly tls: Tls | undefined
}

export interface ReceiverOptions {
  readonly settings: ReceiverSettings
  readonly host: string
  readonly port: number
  readonly token?: string | undefined
  /** Of a receiver that is one of several. */
  readonly siblings?: Siblings | undefined
  /** Listens on this Unix socket for the connections of a balancer, instead of on host and port. */
  readonly socket?: string | undefined
  onTrouble?(message: string): void
}

export interface RunningReceiver extends RunningService {
  /** Its own, without those of its siblings. */
  metrics(): Promise<Metrics>
}

export type Metrics = readonly MetricObjectWithValues<MetricValue<string>>[]

/** 30,000 records or three minutes: what the published design batches by. */
export const defaultSettings: Omit<ReceiverSettings, 'objects' | 'journals' | 'keys' | 'tls'> = {
  acknowledgement: 'append',
  batchRecords: 30_000,
  batchMs: 180_000,
  bodyBytes: 8 * 1024 * 1024,
  unpackedBytes: 32 * 1024 * 1024,
  requestsPerSecond: 0,
  arrivalMs: 10_000,
  mostHeldBytes: 256 * 1024 * 1024,
}

/** How often journals of receivers that are no more are looked for. */
const takeOverMs = 15_000

/**
 * Resolves when it listens; what journals of a receiver that was killed held is being stored then.
 * @throws Error that says what was wrong and what to do; nothing listens then
 */
export async function startReceiver({
  settings,
  host,
  port,
  token,
  siblings,
  socket,
  onTrouble,
}: ReceiverOptions): Promise<RunningReceiver> {
  const objects = await openObjects({ place: settings.objects })
  const journals = await journalsOf(settings, onTrouble)
  let receiver: Receiver | undefined
  const intake = await Intake.start({
    ...settings,
    objects,
    journals,
    mostBytes: settings.mostHeldBytes,
    onStored: (batch) => receiver?.stored(batch),
    ...(onTrouble === undefined ? {} : { onTrouble }),
  })
  let look = Promise.resolve()
  const looking = setInterval(() => {
    look = intake.takeOver().catch((error: Error) => onTrouble?.(`write-ahead logs of others cannot be looked for: ${error.message}`))
  }, takeOverMs).unref()
  const end = async () => {
    clearInterval(looking)
    receiver?.drain()
    await look
    // Who waits for an object gets it; then connections are let go.
    await intake.end()
    await receiver?.app.close()
    await objects.close()
    await journals.close()
  }
  try {
    const told = onTrouble === undefined ? {} : { onTrouble }
    const made = await receiverApp({ ...settings, intake, token, siblings, proxied: socket !== undefined, ...told })
    receiver = made
    const scheme = settings.tls === undefined ? 'http' : 'https'
    const url = socket === undefined ? await listen(made.app, host, port, scheme) : await listenOnSocket(made.app, socket)
    let ending: Promise<void> | undefined
    return {
      url,
      metrics: () => made.registry.getMetricsAsJSON(),
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

/** @throws Error when there must be journals and no folder can hold them */
async function journalsOf(
  { objects, journals, acknowledgement }: ReceiverSettings,
  onTrouble: ((message: string) => void) | undefined,
): Promise<JournalFolder> {
  const folder = journals ?? (isUrl(objects) ? undefined : join(objects, '.journals'))
  if (folder !== undefined) {
    return openJournalFolder(folder, { place: await placeSeenFrom(folder, objects), ...(onTrouble === undefined ? {} : { onTrouble }) })
  }
  if (acknowledgement === 'append') throw new Error('there is no folder for the write-ahead logs: name one beside the objects in S3')
  return noJournals
}

/**
 * Where the objects lie, as the owners of journals tell each other. A folder around the journals is told from there: others,
 * in other containers, may know both by other paths.
 */
async function placeSeenFrom(journals: string, objects: string): Promise<string> {
  if (isUrl(objects)) return describeS3Place(parseS3Place(objects))
  await makeFolder(journals, 0o700)
  const [from, to] = [await realpath(journals), await realpath(objects)]
  const way = relative(to, from)
  return way.startsWith('..') || isAbsolute(way) ? to : `${relative(from, to)} from there`
}
