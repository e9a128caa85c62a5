/**
 * Objects in a bucket of S3, or of a server that speaks its protocol. Every operation ends within a bounded time, retries
 * included: whoever wants to go on trying does so, and can tell those who wait.
 */
import { createHash } from 'node:crypto'
import { addAbortSignal, Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { type Buffers, freshBuffers } from '../generators/buffer-pool.js'
import { checkName, isName, MissingObjectError, type Objects, TakenNameError } from './objects.js'
import { explain, isMissing, isPreconditionFailed } from './s3-errors.js'
import { describeS3Place, type S3Place } from './s3-place.js'

/** An operation may take so long ... */
const defaultPatienceMs = 30_000
/** ... and longer by the time that its bytes take at this pace, bytes per millisecond. */
const slowest = 100
/** A connection without a sign of life for this share of the patience is given up, and the request made again on another. */
const silentShare = 1 / 3
const attempts = 3
/** Of one page; a server may send fewer. */
const pageNames = 1000

export interface S3Options extends S3Place {
  readonly patienceMs?: number
}

/** Credentials come from where Amazon's tools take them: AWS_ACCESS_KEY_ID and others, profiles, the machine's role. @throws Error when the bucket cannot be listed */
export async function openS3({ patienceMs = defaultPatienceMs, ...place }: S3Options): Promise<Objects> {
  // It would tell users of Node 20 about versions that are not this one.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const silentMs = patienceMs * silentShare
  const client = new S3Client({
    ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint, forcePathStyle: true }),
    // Servers of one's own seldom have regions, but a signature names one.
    ...regionOf(place),
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: silentMs, socketTimeout: silentMs },
    // It would cost a connection for each object.
    expectContinueHeader: false,
  })
  const objects = new Bucket(client, place, patienceMs)
  try {
    await objects.list('', 1)
    return objects
  } catch (error) {
    await objects.close()
    throw error
  }
}

function regionOf({ endpoint, region }: S3Place): { readonly region?: string } {
  if (region !== undefined) return { region }
  const given = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION']
  return endpoint === undefined || given !== undefined ? {} : { region: 'us-east-1' }
}

class Bucket implements Objects {
  constructor(
    private readonly client: S3Client,
    private readonly place: S3Place,
    private readonly patienceMs: number,
  ) {}

  async put(name: string, parts: readonly Uint8Array[]): Promise<void> {
    checkName(name)
    const body = Buffer.concat(parts)
    // The server compares, and keeps it with the object: what is read is compared again.
    const checksum = createHash('sha256').update(body).digest('base64')
    const command = new PutObjectCommand({ ...this.named(name), Body: body, ChecksumSHA256: checksum, IfNoneMatch: '*' })
    try {
      await this.within(body.length, (abortSignal) => this.client.send(command, { abortSignal }))
    } catch (error) {
      if (!isPreconditionFailed(error)) throw await this.told(`the object ${name} could not be written to`, error)
      // Perhaps by this very call, whose first answer was lost.
      if (!(await this.holds(name, body))) throw new TakenNameError(name, describeS3Place(this.place))
    }
  }

  async get(name: string, buffers: Buffers = freshBuffers): Promise<Uint8Array> {
    checkName(name)
    // The client's default, which a variable could turn off.
    const command = new GetObjectCommand({ ...this.named(name), ChecksumMode: 'ENABLED' })
    try {
      const { Body: body, ContentLength: bytes } = await this.within(0, (abortSignal) => this.client.send(command, { abortSignal }))
      if (!(body instanceof Readable) || bytes === undefined) throw new Error('the answer has no length')
      return await this.within(bytes, (signal) => readAll(addAbortSignal(signal, body), buffers.take(bytes)))
    } catch (error) {
      if (isMissing(error)) throw new MissingObjectError(name)
      throw await this.told(`the object ${name} could not be read from`, error)
    }
  }

  async list(after: string, most: number): Promise<readonly string[]> {
    const { bucket: Bucket, prefix: Prefix } = this.place
    const names: string[] = []
    let token: string | undefined
    do {
      const command = new ListObjectsV2Command({
        Bucket,
        Prefix,
        Delimiter: '/',
        MaxKeys: Math.min(pageNames, most - names.length),
        ...(token === undefined ? { StartAfter: `${Prefix}${after}` } : { ContinuationToken: token }),
      })
      const page = await this.page(command)
      // Others may keep things there, too.
      for (const { Key: key = '' } of page.Contents ?? []) if (isName(key.slice(Prefix.length))) names.push(key.slice(Prefix.length))
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (token !== undefined && names.length < most)
    return names
  }

  async remove(name: string): Promise<void> {
    checkName(name)
    try {
      await this.within(0, (abortSignal) => this.client.send(new DeleteObjectCommand(this.named(name)), { abortSignal }))
    } catch (error) {
      if (!isMissing(error)) throw await this.told(`the object ${name} could not be removed from`, error)
    }
  }

  async close(): Promise<void> {
    this.client.destroy()
  }

  /** A server that was killed may think that a name is taken, and have nothing there: not these bytes, at any rate. */
  private async holds(name: string, body: Buffer): Promise<boolean> {
    try {
      return body.equals(await this.get(name))
    } catch (error) {
      if (error instanceof MissingObjectError) return false
      throw error
    }
  }

  private async page(command: ListObjectsV2Command): Promise<ListObjectsV2CommandOutput> {
    try {
      const page = await this.within(0, (abortSignal) => this.client.send(command, { abortSignal }))
      // Any page of the web is read as an empty list.
      if (page.IsTruncated === undefined) throw new Error('the answer is no list')
      return page
    } catch (error) {
      throw await this.told('there is no list of the objects in', error)
    }
  }

  private named(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.place.bucket, Key: `${this.place.prefix}${name}` }
  }

  /** Ends when the work does, or when the time is up: whatever the client is busy with, be it credentials that do not come. */
  private async within<T>(bytes: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limitMs = this.patienceMs + bytes / slowest
    const controller = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, fail) => {
      timer = setTimeout(() => {
        fail(Object.assign(new Error('the time is up'), { name: 'TimeoutError' }))
        controller.abort()
      }, limitMs)
    })
    try {
      return await Promise.race([work(controller.signal), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Without the client's own error as its cause: that one knows the request, whose headers are nobody's business. */
  private async told(what: string, error: unknown): Promise<Error> {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.client.config.credentials().catch(() => nobody)
    return new Error(`${what} ${describeS3Place(this.place)}: ${explain(error, [accessKeyId, secretAccessKey, sessionToken ?? ''])}`)
  }
}

const nobody = { accessKeyId: '', secretAccessKey: '', sessionToken: undefined }

/** Fills a buffer of its own, which others may take: the stream's are the client's. */
async function readAll(body: Readable, bytes: Uint8Array): Promise<Uint8Array> {
  let at = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (at + chunk.length > bytes.length) throw new Error('it is longer than was said')
    bytes.set(chunk, at)
    at += chunk.length
  }
  if (at < bytes.length) throw new Error('it is shorter than was said')
  return bytes
}
