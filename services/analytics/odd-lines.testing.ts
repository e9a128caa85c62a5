/** Lines that a store's answers go wrong on if they can: odd addresses, missing fields, ties, sizes at the limit, logins of every kind. */

const agent = 'curl/8.5.0'

interface Said {
  readonly at?: string
  readonly user?: string
  readonly request?: string
  readonly status?: number
  readonly size?: string
  readonly agent?: string
}

function line(address: string, said: Said = {}): string {
  const { at = '31/Jan/2026:23:59:58 +0000', user = '-', request = 'GET / HTTP/1.1', status = 200, size = '10' } = said
  return `${address} - ${user} [${at}] "${request}" ${status} ${size} "-" "${said.agent ?? agent}"`
}

export const oddAddresses = [
  '198.51.100.7',
  '::ffff:198.51.100.7',
  '::ffff:c633:6407',
  '0:0:0:0:0:ffff:198.51.100.7',
  '::',
  '::1',
  '::1.2.3.4',
  '::102:304',
  '64:ff9b::192.0.2.33',
  '::ffff:0:192.0.2.33',
  '2001:DB8:0:0:1:0:0:1',
  '2001:db8::1:0:0:1',
  '2001:0db8:0000:0001:0000:0000:0000:0001',
  '2001:db8:0:1:1:1:1:1',
  '2001:db8:1:1:1:1:1:0',
  '1::',
  '1:0:0:2::',
  'ff02::fb',
  'fe80:0:0:0:0:0:0:0',
  '0.0.0.0',
  '255.255.255.255',
] as const

const login = 'POST /login HTTP/1.1'
const largest = '9223372036854775807'

export const oddLines: readonly string[] = [
  ...oddAddresses.map((address) => line(address)),
  // Sizes at the limit, none at all, and sums beyond 53 and 64 bits.
  ...['9007199254740993', largest, largest, largest, '-', '0'].map((size) => line('192.0.2.1', { size, request: 'GET /large HTTP/1.1' })),
  line('192.0.2.1', { size: '-', request: 'GET /none HTTP/1.1' }),
  // Paths with equal counts, whose order is that of their bytes.
  ...['/Z', '/a', '/z', '/é', '/ö', '/A', '/_', '/%27;--', "/'x'", '/{from:UInt32}', '/a b', '/😀', '/\\\\'].map((path) =>
    line('192.0.2.2', { request: `GET ${path} HTTP/1.1` }),
  ),
  line('192.0.2.2', { request: '' }),
  line('192.0.2.3', { agent: '-' }),
  line('::ffff:192.0.2.3', { agent: '-' }),
  line('192.0.2.3', { agent: '' }),
  line('192.0.2.3', { agent: 'tab\\tquote\\"' }),
  // Logins: named afterwards over the month's end, after a failure, on their own line, by another agent, too late, never.
  line('203.0.113.1', { request: login, status: 401 }),
  line('203.0.113.1', { request: login, status: 302 }),
  line('203.0.113.1', { user: 'ann', at: '01/Feb/2026:00:00:01 +0000' }),
  line('203.0.113.1', { request: 'POST /login?next=/a HTTP/1.1', status: 302, at: '01/Feb/2026:00:00:02 +0000' }),
  line('203.0.113.1', { user: 'Bob', at: '01/Feb/2026:00:00:02 +0000' }),
  line('203.0.113.2', { request: login, status: 302, user: 'own' }),
  line('203.0.113.2', { user: 'later' }),
  line('203.0.113.3', { request: login, status: 302 }),
  line('203.0.113.3', { user: 'other', agent: 'another' }),
  line('2001:db8:5::1', { request: login, status: 302 }),
  line('2001:db8:5::1', { user: 'late', at: '01/Feb/2026:23:59:58 +0000' }),
  line('2001:db8:6::1', { request: login, status: 302 }),
  line('2001:db8:6::1', { user: 'in time', at: '01/Feb/2026:23:59:57 +0000' }),
  line('::ffff:203.0.113.4', { request: login, status: 302, agent: '-' }),
  line('203.0.113.4', { user: 'folded', agent: '-' }),
  line('192.0.2.9', { request: 'POST /loginx HTTP/1.1', status: 302 }),
  line('192.0.2.9', { request: 'GET /login HTTP/1.1' }),
  line('2001:db9::9', { request: login, status: 500 }),
  // A time zone that moves a line into the next month, and a line that is none.
  line('192.0.2.4', { at: '31/Jan/2026:22:30:00 -0200' }),
  'no line at all',
]
