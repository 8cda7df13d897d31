// Counts of the gateway room: calls that the failsafe opened, and upstreams that failed.
import type { ErrorCode } from '@sallyport/contract'
import { Counter, type Registry } from 'prom-client'

export type GatewayMetrics = {
  countOpened(): void
  countFailure(code: ErrorCode): void
}

export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry]
  const opened = new Counter({
    name: 'sallyport_failsafe_total',
    help: 'Calls forwarded undecided, because the failsafe mode is open.',
    registers,
  })
  const failures = new Counter({
    name: 'sallyport_upstream_failures_total',
    help: 'Calls whose upstream could not be reached, was too slow or broke off, by error code.',
    labelNames: ['code'],
    registers,
  })
  return {
    countOpened: () => opened.inc(),
    countFailure: (code) => failures.inc({ code }),
  }
}
