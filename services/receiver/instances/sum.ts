/** Metrics of several instances as those of one service. */
import { AggregatorRegistry, Gauge, type Registry } from 'prom-client'
import type { Metrics } from '../server.js'

/** Kinds that only grow: what an instance that is no more had counted stays counted, or rates would jump. */
const growing: readonly string[] = ['counter', 'histogram']

export class MetricsSum {
  private departed: Promise<Metrics> = Promise.resolve([])

  /** Of an instance that is no more: what it told last. */
  depart(last: Metrics): void {
    // The library's types say a number where it writes the kind's name.
    const counted = last.filter(({ type }) => growing.includes(String(type)))
    this.departed = this.departed.then((departed) => sum([departed, counted]).getMetricsAsJSON())
  }

  /** In Prometheus' text format. */
  async text(running: readonly Metrics[]): Promise<string> {
    const registry = sum([...running, await this.departed])
    const instances = new Gauge({
      name: 'weir_receiver_instances',
      help: 'Instances that run at this moment.',
      labelNames: ['service'],
      registers: [registry],
    })
    instances.set({ service: 'receiver' }, running.length)
    return registry.metrics()
  }
}

function sum(metrics: readonly Metrics[]): Registry {
  return AggregatorRegistry.aggregate([...metrics])
}
