/** The questions to Postgres. $1 and $2 are the span in seconds; further parameters, then limit and offset, follow. */
import { loginMemoryMs, loginPage, type TopField } from '../analytics.js'
import { rowTable } from './layout.js'
import { id, Sql, sql } from './sql.js'

/** Constants, so that months outside the span are not even opened. */
const inSpan = sql`created_at >= to_timestamp($1) AND created_at < to_timestamp($2)`

/** An IPv6 address that an IPv4 address is mapped to, as that. */
function folded(address: Sql): Sql {
  return sql`CASE WHEN ${address} << inet '::ffff:0:0/96' THEN inet '0.0.0.0' + (${address} - inet '::ffff:0:0') ELSE ${address} END`
}

const address = id('remote_addr')
const sumOfBytes = sql`coalesce(sum(bytes), 0)`

/** $3: length of a step as an interval; $4, $5: page. */
export function hitsQuery(schema: string): string {
  return sql`
    SELECT extract(epoch FROM at)::float8 AS at, hits, bytes FROM (
      SELECT date_bin($3::interval, created_at, timestamptz 'epoch') AS at, count(*) AS hits, ${sumOfBytes} AS bytes
      FROM ${id(schema, rowTable)} WHERE ${inSpan} GROUP BY 1) steps
    ORDER BY steps.at LIMIT $4 OFFSET $5`.text
}

/** $3, $4: page. */
export function topQuery(schema: string, field: TopField): string {
  const table = id(schema, rowTable)
  if (field === 'address') {
    // Folded once for each address, not once for each row.
    return sql`
      SELECT host(address) AS value, hits, bytes FROM (
        SELECT ${folded(address)} AS address, sum(hits) AS hits, sum(bytes) AS bytes FROM (
          SELECT remote_addr, count(*) AS hits, ${sumOfBytes} AS bytes FROM ${table} WHERE ${inSpan} GROUP BY 1) found
        GROUP BY 1) merged
      ORDER BY hits DESC, address LIMIT $3 OFFSET $4`.text
  }
  const column = field === 'path' ? id('path') : id('user_agent')
  return sql`
    SELECT value, hits, bytes FROM (
      SELECT ${column} AS value, count(*) AS hits, ${sumOfBytes} AS bytes FROM ${table} WHERE ${inSpan} GROUP BY 1) found
    ORDER BY hits DESC, value COLLATE "C" NULLS LAST LIMIT $3 OFFSET $4`.text
}

export function statusesQuery(schema: string): string {
  return sql`SELECT status, count(*) AS hits FROM ${id(schema, rowTable)} WHERE ${inSpan} GROUP BY status ORDER BY status`.text
}

export function visitorsQuery(schema: string): string {
  return sql`
    SELECT count(*) AS visitors FROM (
      SELECT DISTINCT ${folded(address)}, user_agent FROM (
        SELECT DISTINCT remote_addr, user_agent FROM ${id(schema, rowTable)} WHERE ${inSpan}) pairs) visitors`.text
}

/** $3: the address in each of its forms; $4, $5: page. */
export function latestQuery(schema: string): string {
  return sql`
    SELECT source, position, extract(epoch FROM created_at)::float8 AS at, method, path, protocol, status, bytes, referrer,
      user_agent AS agent, nullif(remote_user, '') AS name
    FROM ${id(schema, rowTable)} WHERE ${inSpan} AND remote_addr = ANY ($3::inet[])
    ORDER BY created_at DESC, source DESC, position DESC LIMIT $4 OFFSET $5`.text
}

const login = sql`method = 'POST' AND (path = '${new Sql(loginPage)}' OR starts_with(path, '${new Sql(loginPage)}?'))`
const memory = sql`interval '${loginMemoryMs} milliseconds'`

/**
 * $3, $4: page. Numbering a visitor's lines that name a user from the last to the first puts every line into the stretch
 * that ends with the next named one, or with itself; 0: none follows.
 */
export function loginsQuery(schema: string): string {
  return sql`
    WITH events AS (
      SELECT ${folded(address)} AS address, user_agent, nullif(remote_user, '') AS name, created_at, source, position, status,
        ${login} AND created_at < to_timestamp($2) AS login
      FROM ${id(schema, rowTable)}
      WHERE created_at >= to_timestamp($1) AND created_at < to_timestamp($2) + ${memory} AND to_timestamp($1) < to_timestamp($2)
        AND (remote_user <> '' OR ${login})
    ), stretches AS (
      SELECT *, count(name) OVER (PARTITION BY address, user_agent ORDER BY created_at DESC, source DESC, position DESC
        ROWS UNBOUNDED PRECEDING) AS stretch
      FROM events
    ), named AS (
      SELECT address, created_at, status, login, max(name) OVER visit AS name,
        max(created_at) FILTER (WHERE name IS NOT NULL) OVER visit AS named_at
      FROM stretches WINDOW visit AS (PARTITION BY address, user_agent, stretch)
    ), logins AS (
      SELECT CASE WHEN named_at < created_at + ${memory} THEN name END AS name,
        network(set_masklen(address, CASE family(address) WHEN 4 THEN 16 ELSE 32 END)) AS location, status, created_at
      FROM named WHERE login
    )
    SELECT name, host(location) AS location, logins, failures, extract(epoch FROM last)::float8 AS last FROM (
      SELECT name, location, count(*) AS logins, count(*) FILTER (WHERE status >= 400) AS failures, max(created_at) AS last
      FROM logins GROUP BY 1, 2) counted
    ORDER BY logins DESC, name COLLATE "C" NULLS LAST, counted.location LIMIT $3 OFFSET $4`.text
}
