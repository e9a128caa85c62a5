/** The analytics service as the registry knows it. */
import type { RunServiceModule } from '../service.js'
import { analyticsApp } from './app.js'
import { published } from './schemas.js'
import { startAnalytics } from './server.js'

export const analytics: RunServiceModule = {
  name: 'analytics',
  needs: 'run',
  summary: 'answers questions about the rows of a run: hits, tops, statuses, visitors, logins',
  start: startAnalytics,
  async openapi() {
    const app = await analyticsApp({ ask: () => Promise.reject(new Error('nobody is there to ask')) })
    try {
      return published(app.swagger())
    } finally {
      await app.close()
    }
  },
}
