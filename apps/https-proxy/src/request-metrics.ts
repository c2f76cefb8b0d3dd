import type { Metrics, Observer } from '@sluice/metrics'
import { REQUEST_METRICS, type RequestMetricName } from './request-metric-rows.ts'

/** Asked at each scrape. */
export interface RequestSources {
  readonly queue: () => { readonly requests: number; readonly bytes: number }
  readonly slots: () => { readonly busy: number; readonly all: number }
  readonly connections: () => { readonly most: number; readonly refused: number }
}

type Samples = Iterable<readonly [Readonly<Record<string, string>>, number]>

/** What is shown of requests besides what every program shows. To be made once for a program. */
export class RequestMetrics {
  readonly #wait: (door: string) => Observer
  readonly #service: (door: string) => Observer
  readonly #total: (door: string) => Observer

  constructor(metrics: Pick<Metrics, 'show' | 'histogram'>, sources: RequestSources) {
    const show = (name: RequestMetricName, samples: () => Samples): void =>
      metrics.show(REQUEST_METRICS[name], samples)
    show('queued', () => [[{}, sources.queue().requests]])
    show('queuedBytes', () => [[{}, sources.queue().bytes]])
    show('slots', () => {
      const { busy, all } = sources.slots()
      return [
        [{ state: 'busy' }, busy],
        [{ state: 'free' }, Math.max(0, all - busy)],
      ]
    })
    show('connectionsMost', () => [[{}, sources.connections().most]])
    show('connectionsRefused', () => [[{}, sources.connections().refused]])
    this.#wait = metrics.histogram(REQUEST_METRICS.wait)
    this.#service = metrics.histogram(REQUEST_METRICS.service)
    this.#total = metrics.histogram(REQUEST_METRICS.total)
  }

  waited(door: string, ms: number): void {
    this.#wait(door).observe(ms / 1000)
  }

  /** A slot was held for so long. */
  held(door: string, ms: number): void {
    this.#service(door).observe(ms / 1000)
  }

  ended(door: string, ms: number): void {
    this.#total(door).observe(ms / 1000)
  }
}
