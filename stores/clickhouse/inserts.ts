/** INSERTs as every writer makes them: one part of a table at the most, under a token that its repetition has as well. */
import type { Abilities } from './abilities.js'
import type { Settings } from './link.js'
import { settingsIn } from './urls.js'

/** More rows than any batch has. */
const unbounded = 1 << 30

/** Settings that make the rows of an INSERT one block: stored whole or not at all, and recognised by its token. */
export function insertSettings(url: string, abilities: Abilities, token: string): Settings {
  const asked = settingsIn(url)
  return {
    min_insert_block_size_rows: unbounded,
    min_insert_block_size_bytes: 0,
    // With progress in the head the status goes out before the end, and says nothing of how that was.
    send_progress_in_http_headers: 0,
    // The newest servers gather small inserts unless told otherwise; that is done here when the URL asks for it.
    ...(abilities.asyncInserts && asked['async_insert'] === undefined ? { async_insert: 0 } : {}),
    ...(abilities.tokens ? { insert_deduplicate: 1, insert_deduplication_token: token } : {}),
    ...(abilities.tokens && asked['async_insert'] === '1' ? { async_insert_deduplicate: 1 } : {}),
  }
}
