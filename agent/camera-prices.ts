// What watching costs: the camera's own calls at their prices, which are learned from the client's usage.
import type { UsageTotals } from './wire.ts'

export type CameraCalls = { batches: number; analyses: number; alerts: number }

export type CameraPrices = {
  /** Takes over what the gateway really charged for each kind of call. */
  learn(usage: UsageTotals): void
  /** Millionths of EUR. */
  costOf(calls: CameraCalls): number
}

const endpoints = {
  batches: '/api/video/buffer',
  analyses: '/api/video/analyze',
  alerts: '/api/alert',
} as const

/** Begins with the list prices, in millionths of EUR for a call. */
export function createCameraPrices(): CameraPrices {
  const prices: CameraCalls = { batches: 10_000, analyses: 50_000, alerts: 100_000 }
  const kinds = Object.keys(endpoints) as (keyof CameraCalls)[]
  return {
    learn({ by_endpoint }) {
      for (const kind of kinds) {
        const rows = by_endpoint.filter(({ endpoint }) => isBelow(endpoint, endpoints[kind]))
        const calls = rows.reduce((sum, row) => sum + row.calls, 0)
        if (calls > 0) prices[kind] = rows.reduce((sum, row) => sum + row.cost_micros, 0) / calls
      }
    },
    costOf: (calls) => kinds.reduce((sum, kind) => sum + calls[kind] * prices[kind], 0),
  }
}

function isBelow(endpoint: string, path: string): boolean {
  return endpoint === path || endpoint.startsWith(`${path}/`)
}

/** Like `12.40 EUR`. */
export function formatEuros(micros: number): string {
  return `${(micros / 1_000_000).toFixed(2)} EUR`
}
