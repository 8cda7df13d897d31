// Remembers peers that send X-Real-IP without being listed in TRUSTED_PROXY_IPS: a usual mistake that `doctor` tells of.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'

export type ProxyMistake = { address: string; count: number; lastSeenMs: number }

export type ProxyMistakes = {
  note(address: string): void
  list(): ProxyMistake[]
}

const peersMax = 100

export function createProxyMistakes(clock: Clock): ProxyMistakes {
  const peers = new BoundedMap<string, ProxyMistake>(peersMax)
  return {
    note(address) {
      const known = peers.get(address)
      if (known === undefined) peers.set(address, { address, count: 1, lastSeenMs: clock.now() })
      else {
        known.count++
        known.lastSeenMs = clock.now()
      }
    },
    list: () => [...peers.entries()].map(([, mistake]) => ({ ...mistake })),
  }
}
