/** What went wrong between here and a bucket, in words for the person at the terminal. */

/** What the client's errors, Node's and the network's have in common. */
interface Failure {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
}

const network = /^(ECONN|ENOTFOUND|EAI_|EHOST|ENET|EPIPE|ETIMEDOUT|ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/

/** Known by their names; behind the semicolon: what to do. */
const known: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket; make it, or name another',
  CredentialsProviderError: 'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
  InvalidAccessKeyId: 'it does not know this access key; look at AWS_ACCESS_KEY_ID, or at the profile',
  SignatureDoesNotMatch: 'the secret key is not the right one; look at AWS_SECRET_ACCESS_KEY, or at the profile',
  ExpiredToken: 'the credentials have expired; get new ones',
  RequestTimeTooSkewed: 'the clocks differ too much; set this machine’s',
  AccessDenied: 'access is denied; s3:ListBucket of the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject of its objects are needed',
  PermanentRedirect: 'the bucket lies in another region; name it with region=',
  AuthorizationHeaderMalformed: 'the bucket lies in another region; name it with region=',
  BadDigest: 'what arrived is not what was sent; try again, and look at what lies between',
  XAmzContentChecksumMismatch: 'what arrived is not what was sent; try again, and look at what lies between',
  XAmzContentSHA256Mismatch: 'what arrived is not what was sent; try again, and look at what lies between',
  SlowDown: 'it is asked too often; try again later',
}

export function isPreconditionFailed(error: unknown): boolean {
  return statusOf(error) === 412
}

/** The object is missing; not the bucket, nor the account. */
export function isMissing(error: unknown): boolean {
  return (error as Failure).name === 'NoSuchKey'
}

/** What is shorter stands in words by chance. */
const shortestSecret = 8

/** A reason, and what to do about it; no secret stands in it, though a server repeat one. */
export function explain(error: unknown, secrets: readonly string[]): string {
  return secrets
    .filter(({ length }) => length >= shortestSecret)
    .reduce((text, secret) => text.replaceAll(secret, '***'), reason(error as Failure))
}

function reason(error: Failure): string {
  const { name = '', code = '', message = '' } = error
  const words = known[name]
  if (words !== undefined) return words
  if (name === 'TimeoutError') return 'it does not answer; is it up, and the way there open?'
  if (network.test(code)) return `${code} ${message}; is the endpoint right, and is it up?`
  if (/region is missing/i.test(message)) return 'no region is known; name it with region=, or set AWS_REGION'
  if (/checksum mismatch/i.test(message)) return 'what came is not what was stored; read it again, and look at what lies between'
  const status = statusOf(error)
  const first = message.split('\n')[0]
  if (status === undefined || status < 300) return `${first}; is this an endpoint of S3?`
  return `${name} (HTTP ${status}) ${first}; ${status < 500 ? 'the server refuses this' : 'try again later'}`
}

function statusOf(error: unknown): number | undefined {
  return (error as Failure).$metadata?.httpStatusCode
}
