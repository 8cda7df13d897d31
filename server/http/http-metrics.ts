// Counts of requests: plain integers on the way of a request, read only when somebody scrapes.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export type HttpMetrics = {
  countCall(outcome: { status: number | null; seconds: number; isAborted: boolean }): void
}

/** From a cached refusal to a stream that thinks for minutes. */
const secondsBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300]

export function createHttpMetrics(
  registry: Registry,
  observe: { inWork: () => number; connections: () => number },
): HttpMetrics {
  /** By the first digit; 0 counts those that were told nothing. */
  const byStatusClass = [0, 0, 0, 0, 0, 0]
  let aborted = 0
  const registers = [registry]
  new Counter({
    name: 'sallyport_http_requests_total',
    help: 'Finished requests by the class of their status.',
    labelNames: ['status'],
    registers,
    collect() {
      this.reset()
      for (let digit = 1; digit <= 5; digit++) this.inc({ status: `${digit}xx` }, byStatusClass[digit] ?? 0)
    },
  })
  new Counter({
    name: 'sallyport_http_requests_aborted_total',
    help: 'Requests whose answer did not reach its end.',
    registers,
    collect() {
      this.reset()
      this.inc(aborted)
    },
  })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('sallyport_http_requests_in_work', 'Requests in work.', observe.inWork)
  gauge('sallyport_http_connections', 'Open client connections.', observe.connections)
  const duration = new Histogram({
    name: 'sallyport_http_request_seconds',
    help: 'From the first look at a request to the end of its answer.',
    buckets: secondsBuckets,
    registers,
  })
  return {
    countCall(outcome) {
      const digit = Math.trunc((outcome.status ?? 0) / 100)
      byStatusClass[digit] = (byStatusClass[digit] ?? 0) + 1
      if (outcome.isAborted) aborted++
      duration.observe(outcome.seconds)
    },
  }
}
