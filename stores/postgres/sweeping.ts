/** Vacuum and analyze on tables of Weir's: work that a run leaves behind, and that the next one must not pay for. */
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'

/** Longer than any sweep of a run's tables takes unless somebody throttles it; then it is part of that server's life. */
const patienceMs = 60_000
const pollMs = 50

/**
 * By the lock that both hold from beginning to end, the tables beside a table (TOAST) included: unlike the views of their
 * progress, locks are shown to every user. Attaching a partition holds it as well, for a moment.
 */
const sweepsQuery = `
  SELECT count(*)::int AS sweeps
  FROM pg_locks l
  JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
  JOIN pg_class c ON c.oid = l.relation
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
    AND n.nspname LIKE 'weir\\_%'`

/** Tables of Weir's that are being vacuumed or analyzed now, by autovacuum or by somebody. */
export async function sweeps(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ sweeps: number }>(sweepsQuery)
  return rows[0]?.sweeps ?? 0
}

/** Resolves when no such table is being swept any more, or after a minute. */
export async function untilSwept(client: pg.Client): Promise<void> {
  const end = performance.now() + patienceMs
  while ((await sweeps(client)) > 0 && performance.now() < end) await delay(pollMs)
}
