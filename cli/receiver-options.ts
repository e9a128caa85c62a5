/** The options of `weir serve receiver`, and the settings that they make. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Keyring, parseKeys } from '../objects/keys.js'
import { isUrl, parseS3Place } from '../objects/s3-place.js'
import type { Tls } from '../services/listener.js'
import { type Balancer, balancers } from '../services/receiver/instances/door.js'
import { firstPresent, missing } from '../services/receiver/instances/start.js'
import { acknowledgements } from '../services/receiver/intake.js'
import { defaultSettings, type ReceiverSettings } from '../services/receiver/server.js'
import { wordOf } from './catalogue.js'
import { type Values, value } from './command.js'
import { UsageError } from './errors.js'
import { parseBytes, parseCount, parseDuration, parsePositiveCount } from './quantities.js'

export const receiverOptions = {
  objects: value({
    placeholder: 'DIR',
    summary: 'receiver, processor: folder of objects, or s3://...',
    parse: parsePlace,
  }),
  journals: value({
    placeholder: 'DIR',
    summary: 'receiver: folder of write-ahead logs (.journals of --objects)',
    rare: true,
    parse: (text) => text,
  }),
  ack: value({
    placeholder: 'WHEN',
    summary: 'receiver: acknowledge on receipt (in memory), append (write-ahead log) or object (append)',
    parse: wordOf('acknowledgement', acknowledgements),
  }),
  'batch-records': value({
    placeholder: 'N',
    summary: 'receiver: records after which a batch is stored (30k)',
    rare: true,
    parse: parsePositiveCount,
  }),
  'batch-time': value({
    placeholder: 'TIME',
    summary: 'receiver: or so long after its first record (3m)',
    rare: true,
    parse: parseDuration,
  }),
  'key-file': value({
    placeholder: 'FILE',
    summary: 'receiver: keys that seal users and addresses in objects; or set WEIR_KEYS',
    rare: true,
    parse: (text) => text,
  }),
  keys: value({
    placeholder: 'KEYS',
    summary: 'the keys themselves, id:base64; better set as WEIR_KEYS, which ps does not show',
    rare: true,
    parse: (text) => parsed(text),
  }),
  'tls-cert': value({
    placeholder: 'FILE',
    summary: 'receiver: certificate chain (PEM); with --tls-key it speaks TLS',
    rare: true,
    parse: (text) => text,
  }),
  'tls-key': value({ placeholder: 'FILE', summary: 'receiver: private key of the certificate (PEM)', rare: true, parse: (text) => text }),
  'requests-per-second': value({ placeholder: 'N', summary: 'receiver: of one address; 0: any number (0)', rare: true, parse: parseCount }),
  'body-bytes': value({ placeholder: 'SIZE', summary: 'receiver: of a body as it is sent (8 MiB)', rare: true, parse: parseBytes }),
  'unpacked-bytes': value({ placeholder: 'SIZE', summary: 'receiver: of a body once unpacked (32 MiB)', rare: true, parse: parseBytes }),
  'held-bytes': value({
    placeholder: 'SIZE',
    summary: 'receiver: lines in memory, before it pushes back (256 MiB)',
    rare: true,
    parse: parseBytes,
  }),
  instances: value({
    placeholder: 'N',
    summary: 'receiver: processes that take lines behind one address (this one alone)',
    rare: true,
    parse: parseInstances,
  }),
  balancer: value({
    placeholder: 'NAME',
    summary: 'receiver: what spreads connections over them: haproxy, nginx or cluster (the first that is here)',
    rare: true,
    parse: wordOf('balancer', balancers),
  }),
} as const

/** Those that a processor has as well. */
export const sharedOptions: readonly (keyof typeof receiverOptions)[] = ['objects', 'key-file', 'keys']

const mostInstances = 256

type Given = Values<typeof receiverOptions>

/** @throws UsageError that names the option */
export async function receiverSettings(given: Given, cwd: string): Promise<ReceiverSettings> {
  const objects = objectsOf(given, cwd)
  const acknowledgement = given.ack ?? defaultSettings.acknowledgement
  if (isUrl(objects) && acknowledgement === 'append' && given.journals === undefined) {
    throw new UsageError(
      'the write-ahead logs need a folder on this machine when objects are in S3: --journals DIR, or --ack object or receipt, which need none',
    )
  }
  const unpackedBytes = given['unpacked-bytes'] ?? defaultSettings.unpackedBytes
  const mostHeldBytes = given['held-bytes'] ?? defaultSettings.mostHeldBytes
  if (mostHeldBytes <= unpackedBytes) {
    throw new UsageError(
      `a body of --unpacked-bytes ${unpackedBytes} would be turned away for ever with --held-bytes ${mostHeldBytes}: lower the one, or raise the other`,
    )
  }
  const tls = await tlsOf(given, cwd)
  const keys = await keysOf(given, cwd)
  return {
    ...defaultSettings,
    objects,
    journals: given.journals === undefined ? undefined : resolve(cwd, given.journals),
    acknowledgement,
    batchRecords: given['batch-records'] ?? defaultSettings.batchRecords,
    batchMs: given['batch-time'] ?? defaultSettings.batchMs,
    requestsPerSecond: given['requests-per-second'] ?? defaultSettings.requestsPerSecond,
    bodyBytes: given['body-bytes'] ?? defaultSettings.bodyBytes,
    unpackedBytes,
    mostHeldBytes,
    keys,
    tls,
  }
}

/** A folder's whole path, or the URL of a place in S3. @throws UsageError when nobody has said where they are */
export function objectsOf({ objects }: Pick<Given, 'objects'>, cwd: string): string {
  if (objects === undefined)
    throw new UsageError('say where the objects are kept: --objects DIR, or s3://bucket/prefix?endpoint=URL&region=NAME')
  return isUrl(objects) ? objects : resolve(cwd, objects)
}

/**
 * How many processes, behind what; undefined for this process alone.
 * @param notice told which balancer it is
 * @throws UsageError when the balancer is not here
 */
export function receiverScale(
  { instances, balancer: asked }: Given,
  notice: (line: string) => void,
): { readonly instances: number; readonly balancer: Balancer } | undefined {
  if (instances === undefined) {
    if (asked !== undefined) throw new UsageError('--balancer goes with --instances N')
    return undefined
  }
  const balancer = asked ?? firstPresent()
  const remedy = missing(balancer)
  if (remedy !== undefined) throw new UsageError(`${balancer} is not here: ${remedy}, or choose another of ${balancers.join(', ')}`)
  notice(`${instances} ${instances === 1 ? 'instance' : 'instances'} behind ${balancer}`)
  return { instances, balancer }
}

function parseInstances(text: string): number {
  const instances = parsePositiveCount(text)
  if (instances > mostInstances) throw new UsageError(`"${text}" are too many instances: at most ${mostInstances}`)
  return instances
}

/** A URL is looked at before anything is started. */
function parsePlace(text: string): string {
  if (!isUrl(text)) return text
  try {
    parseS3Place(text)
    return text
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function tlsOf(given: Given, cwd: string): Promise<Tls | undefined> {
  const [cert, key] = [given['tls-cert'], given['tls-key']]
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) throw new UsageError('--tls-cert and --tls-key go together')
  return { cert: await read('--tls-cert', cert, cwd), key: await read('--tls-key', key, cwd) }
}

export async function keysOf(given: Pick<Given, 'keys' | 'key-file'>, cwd: string): Promise<Keyring | undefined> {
  const file = given['key-file']
  if (file === undefined) return given.keys
  if (given.keys !== undefined) throw new UsageError('--key-file and WEIR_KEYS name two sets of keys; give one of them')
  return parsed((await read('--key-file', file, cwd)).toString(), `${file}: `)
}

function parsed(text: string, where = ''): Keyring {
  try {
    return parseKeys(text)
  } catch (error) {
    throw new UsageError(`${where}${(error as Error).message}`)
  }
}

async function read(option: string, file: string, cwd: string): Promise<Buffer> {
  try {
    return await readFile(resolve(cwd, file))
  } catch (error) {
    throw new UsageError(`${option} ${file} cannot be read: ${(error as Error).message}`)
  }
}
