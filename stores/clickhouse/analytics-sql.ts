/** The questions to ClickHouse, with parameters for every value: database, from and to in seconds, limit and offset, and more where noted. */
import { loginMemoryMs, loginPage, type TopField } from '../analytics.js'

const rows = '{database:Identifier}.nginx_logfile_row'
const inSpan = "created_at >= toDateTime({from:UInt32}, 'UTC') AND created_at < toDateTime({to:UInt32}, 'UTC')"
const page = 'LIMIT {limit:UInt32} OFFSET {offset:UInt64}'
/** 128 bits: two of the largest sizes that a line can have overflow 64. */
const sumOfBytes = 'toString(ifNull(sum(toInt128(bytes)), 0))'

function isV6(address: string): string {
  return `(${address} NOT BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'))`
}

/** `step`: its length in seconds. */
export const hitsQuery = `
  SELECT intDiv(toUInt32(created_at), {step:UInt32}) * {step:UInt32} AS at, count() AS hits, ${sumOfBytes} AS total
  FROM ${rows} WHERE ${inSpan} GROUP BY at ORDER BY at ${page}`

const topColumns: Readonly<Record<TopField, string>> = { path: 'path', address: 'remote_addr', agent: 'user_agent' }

export function topQuery(field: TopField): string {
  const column = topColumns[field]
  const order = field === 'address' ? `${isV6('value')}, value` : 'value ASC NULLS LAST'
  return `
    SELECT ${column} AS value, count() AS hits, ${sumOfBytes} AS total FROM ${rows} WHERE ${inSpan}
    GROUP BY value ORDER BY hits DESC, ${order} ${page}`
}

export const statusesQuery = `SELECT status, count() AS hits FROM ${rows} WHERE ${inSpan} GROUP BY status ORDER BY status`

/** Not uniqExact: of several columns it keeps a hash. */
export const visitorsQuery = `
  SELECT count() AS visitors FROM (SELECT 1 FROM ${rows} WHERE ${inSpan} GROUP BY remote_addr, user_agent)`

/** `address`: IPv4 as the IPv6 address that it is mapped to. */
export const latestQuery = `
  SELECT source, position, toUInt32(created_at) AS at, method, path, protocol, status, toString(bytes) AS size, referrer,
    user_agent AS agent, nullIf(remote_user, '') AS name
  FROM ${rows} WHERE ${inSpan} AND remote_addr = {address:IPv6}
  ORDER BY created_at DESC, source DESC, position DESC ${page}`

const login = `(method = 'POST' AND (path = '${loginPage}' OR startsWith(path, '${loginPage}?')))`
const memorySeconds = loginMemoryMs / 1000

/**
 * `end`: until when later lines may name a user. Numbering a visitor's lines that name a user from the last to the first
 * puts every line into the stretch that ends with the next named one, or with itself; 0: none follows.
 */
export const loginsQuery = `
  SELECT user, location, count() AS logins, countIf(status >= 400) AS failures, toUInt32(max(at)) AS last FROM (
    SELECT if(named_at < toUInt32(at) + ${memorySeconds}, said, NULL) AS user,
      IPv6CIDRToRange(remote_addr, if(${isV6('remote_addr')}, 32, 112)).1 AS location, status, at
    FROM (
      SELECT remote_addr, at, status, is_login, max(name) OVER visit AS said,
        maxIf(toUInt32(at), name IS NOT NULL) OVER visit AS named_at
      FROM (
        SELECT *, count(name) OVER (PARTITION BY remote_addr, user_agent ORDER BY at DESC, source DESC, position DESC
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS stretch
        FROM (
          SELECT remote_addr, user_agent, nullIf(remote_user, '') AS name, created_at AS at, source, position, status,
            ${login} AND created_at < toDateTime({to:UInt32}, 'UTC') AS is_login
          FROM ${rows}
          WHERE created_at >= toDateTime({from:UInt32}, 'UTC') AND created_at < toDateTime({end:UInt32}, 'UTC')
            AND {from:UInt32} < {to:UInt32} AND (remote_user != '' OR ${login})
        )
      )
      WINDOW visit AS (PARTITION BY remote_addr, user_agent, stretch)
    )
    WHERE is_login
  )
  GROUP BY user, location ORDER BY logins DESC, user ASC NULLS LAST, ${isV6('location')}, location ${page}`
