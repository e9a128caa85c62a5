/** What every service of Weir's tells Prometheus: its requests, its process, and what it adds itself. */
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds: from a tenth of a millisecond to ten seconds. */
const durations = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Counts an application's requests and serves /metrics in Prometheus' text format.
 * @param text what is served there; the service's own registry unless given
 * @returns where the service registers its own metrics, their names beginning with `weir_` and the service's name
 */
export function serveMetrics(app: FastifyInstance, service: string, text?: () => Promise<string>): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  const seconds = new Histogram({
    name: 'weir_http_request_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: durations,
    registers: [registry],
  })
  const aborted = new Counter({
    name: 'weir_http_requests_aborted_total',
    help: 'Requests that ended before they had come as a whole.',
    registers: [registry],
  })
  app.addHook('onResponse', async (request, reply) => {
    // Over HTTP/2 a caller that left before its answer comes by here too.
    if (!reply.raw.writableEnded) return
    // Routes, not paths: a caller must not be able to make new series.
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none')
    const method = request.is404 ? 'any' : request.method
    seconds.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
  app.addHook('onRequestAbort', async (_request) => aborted.inc())
  app.get('/metrics', { schema: { hide: true } as object }, async (_request, reply) => {
    reply.type(registry.contentType)
    return text === undefined ? registry.metrics() : text()
  })
  return registry
}

/** A gauge whose value is looked at whenever somebody asks. */
export function gauge(registry: Registry, name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value())
    },
  })
}
