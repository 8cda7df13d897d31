// What this process remembers of bindings between calls, and how a change makes it forget.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { SingleFlight } from '../lib/single-flight.ts'
import type { StoredBinding } from './binding-rows.ts'
import { type AddressMatcher, compileRule } from './rule.ts'

/** A binding ready to judge calls. */
export type KnownBinding = StoredBinding & {
  allows: AddressMatcher
  /** Set while its `last_used_at` waits to be written. */
  touched: boolean
}

export function toKnown(stored: StoredBinding): KnownBinding {
  return { ...stored, allows: compileRule(stored.rule), touched: false }
}

type Entry = {
  /** Nothing older than this may be believed, wherever it comes from. */
  versionMin: number
  known: KnownBinding | null
  storedMs: number
}

export type DecisionCache = ReturnType<typeof createDecisionCache>

/**
 * `bindingsMax` entries; the one stored longest ago goes first. After `lifeMs` one is looked up again: a token that this
 * process knows by heart must not fade from Redis, which decides when PostgreSQL is away. Null: there is no Redis.
 */
export function createDecisionCache(bindingsMax: number, clock: Clock, lifeMs: number | null) {
  const entries = new BoundedMap<string, Entry>(bindingsMax)
  const resolving = new SingleFlight<string>()
  return {
    /** The remembered binding; whether it is fresh enough to be used is the caller's question. */
    peek(digest: string): KnownBinding | null {
      const entry = entries.peek(digest)
      if (!entry?.known) return null
      return lifeMs !== null && clock.monotonicMs() - entry.storedMs > lifeMs ? null : entry.known
    },

    /** The oldest version of `digest` that may still be believed. */
    versionMin: (digest: string): number => entries.peek(digest)?.versionMin ?? 0,

    store(digest: string, known: KnownBinding): void {
      if (known.version < this.versionMin(digest)) return
      entries.set(digest, { versionMin: known.version, known, storedMs: clock.monotonicMs() })
    },

    /** A change of `digest` was committed with `version`: older knowledge is dropped, also what is being looked up now. */
    invalidate(digest: string, version: number): void {
      const entry = entries.peek(digest)
      if (entry && entry.versionMin > version) return
      if (entry?.known && entry.known.version >= version) return
      entries.set(digest, { versionMin: version, known: null, storedMs: 0 })
      resolving.forget(digest)
    },

    forget(): void {
      entries.clear()
      resolving.forgetAll()
    },

    /** One look-up for all who ask for `digest` meanwhile; a change in between makes it not current. */
    shareResolving: <T>(digest: string, resolve: (isCurrent: () => boolean) => Promise<T>) =>
      resolving.share(digest, resolve),
  }
}
