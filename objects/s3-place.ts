/** Where in S3 objects lie, as a URL tells it: s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1 */

export interface S3Place {
  readonly bucket: string
  /** Before every name: empty, or ended by a slash. */
  readonly prefix: string
  /** undefined: Amazon's. */
  readonly endpoint: string | undefined
  /** undefined: what the environment says. */
  readonly region: string | undefined
}

const form = 's3://bucket/prefix?endpoint=https://host:9000&region=name'

/** True for what is no folder. */
export function isUrl(place: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(place)
}

/** @throws Error that says what was wrong, and repeats nothing that could be a secret */
export function parseS3Place(text: string): S3Place {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 's3:') throw new Error(`objects lie in a folder or in S3; a URL for them looks like ${form}`)
  refuseCredentials(url)
  const { hostname: bucket, port, pathname, searchParams, hash } = url
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || port !== '') {
    throw new Error(`behind s3:// stands the name of a bucket, without a port: ${form}`)
  }
  if (hash !== '' || [...searchParams.keys()].some((key) => key !== 'endpoint' && key !== 'region')) {
    throw new Error(`behind the ? may stand endpoint= and region=, and nothing else: ${form}`)
  }
  return {
    bucket,
    prefix: prefixOf(pathname),
    endpoint: endpointOf(searchParams.get('endpoint')),
    region: regionOf(searchParams.get('region')),
  }
}

/** For messages: a place holds no secret. */
export function describeS3Place({ bucket, prefix, endpoint }: S3Place): string {
  return `s3://${bucket}/${prefix}${endpoint === undefined ? '' : ` at ${endpoint}`}`
}

function refuseCredentials({ username, password, searchParams }: URL): void {
  if (username !== '' || password !== '' || [...searchParams.keys()].some((key) => /key|secret|token|passw|credential/i.test(key))) {
    throw new Error(
      'no credentials belong in a URL, which others can see: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and take them out',
    )
  }
}

function prefixOf(pathname: string): string {
  const prefix = pathname.replace(/^\/+|\/+$/g, '')
  if (prefix === '') return ''
  // What every server sorts, encodes and answers alike.
  if (prefix.length > 500 || !/^[A-Za-z0-9._=-]+(\/[A-Za-z0-9._=-]+)*$/.test(prefix)) {
    throw new Error(`a prefix is of letters, digits, dots, hyphens, underscores, equals signs and single slashes: ${form}`)
  }
  return `${prefix}/`
}

function endpointOf(text: string | null): string | undefined {
  if (text === null) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) throw new Error(`endpoint= is a URL of http or https: ${form}`)
  refuseCredentials(url)
  if (url.search !== '' || url.hash !== '') throw new Error(`endpoint= is a URL without ? and #: ${form}`)
  return url.href.replace(/\/$/, '')
}

function regionOf(text: string | null): string | undefined {
  if (text === null) return undefined
  if (!/^[A-Za-z0-9-]+$/.test(text)) throw new Error('region= is a name such as eu-central-1')
  return text
}
