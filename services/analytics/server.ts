/** Starts the analytics service on a store that its caller has opened: in this process, whoever's it is. */
import type { Analytics } from '../../stores/analytics.js'
import { listen } from '../listening.js'
import { Problem } from '../problem.js'
import type { RunningService, RunServiceOptions } from '../service.js'
import { analyticsApp } from './app.js'
import type { Ask } from './routes.js'

/**
 * Resolves when it listens and the store has answered once.
 * @throws Error that says what was wrong and what to do; nothing listens then
 */
export async function startAnalytics({ store, host, port, token, onTrouble }: RunServiceOptions): Promise<RunningService> {
  const analytics = store.lacks.analytics === undefined ? await store.analytics() : undefined
  if (analytics === undefined) {
    throw new Error(`the ${store.address.store} store answers no questions: ${store.lacks.analytics ?? 'it has no rows to ask about'}`)
  }
  try {
    // Asked for nothing, which wants the table and the right to read it all the same.
    await analytics.hits({ fromMs: 0, toMs: 0 }, 'day', { limit: 1, offset: 0 })
    const app = await analyticsApp({
      ask: asker(analytics, onTrouble),
      ...(token === undefined ? {} : { token }),
      ...(onTrouble === undefined ? {} : { onTrouble }),
    })
    const url = await listen(app, host, port)
    let ending: Promise<void> | undefined
    return {
      url,
      close() {
        ending ??= app.close().finally(() => analytics.close())
        return ending
      },
    }
  } catch (error) {
    await analytics.close()
    throw error
  }
}

/** Whoever asks learns that the store has trouble; which one, the service's owner does, once for each kind in a row. */
function asker(analytics: Analytics, onTrouble: ((message: string) => void) | undefined): Ask {
  let told: string | undefined
  return async (question) => {
    try {
      const answer = await question(analytics)
      told = undefined
      return answer
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (message !== told) onTrouble?.(message)
      told = message
      throw new Problem(503, 'The store cannot answer this at the moment: ask again soon, or for a shorter span.', { 'retry-after': '1' })
    }
  }
}
