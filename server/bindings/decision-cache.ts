// What this process remembers of bindings between calls, and how a change makes it forget.
import { BoundedMap } from '../lib/bounded-map.ts'
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
}

export type DecisionCache = ReturnType<typeof createDecisionCache>

/** `bindingsMax` entries; the one stored longest ago goes first. */
export function createDecisionCache(bindingsMax: number) {
  const entries = new BoundedMap<string, Entry>(bindingsMax)
  const resolving = new Map<string, Promise<unknown>>()
  return {
    /** The remembered binding; whether it is fresh enough to be used is the caller's question. */
    peek: (digest: string): KnownBinding | null => entries.peek(digest)?.known ?? null,

    /** The oldest version of `digest` that may still be believed. */
    versionMin: (digest: string): number => entries.peek(digest)?.versionMin ?? 0,

    store(digest: string, known: KnownBinding): void {
      if (known.version >= this.versionMin(digest)) entries.set(digest, { versionMin: known.version, known })
    },

    /** A change of `digest` was committed with `version`: older knowledge is dropped, also what is being looked up now. */
    invalidate(digest: string, version: number): void {
      const entry = entries.peek(digest)
      if (entry && entry.versionMin > version) return
      if (entry?.known && entry.known.version >= version) return
      entries.set(digest, { versionMin: version, known: null })
      resolving.delete(digest)
    },

    forget(): void {
      entries.clear()
      resolving.clear()
    },

    /**
     * Runs `resolve` once for all who ask for `digest` meanwhile. `isCurrent` tells it at its end whether
     * a change came in between: its answer is then good for those who waited, but must not be remembered.
     */
    shareResolving<T>(
      digest: string,
      resolve: (isCurrent: () => boolean) => Promise<T>,
    ): { promise: Promise<T>; leads: boolean } {
      const running = resolving.get(digest)
      // One kind of promise is kept for a digest, so its type is the one asked for.
      if (running) return { promise: running as Promise<T>, leads: false }
      const promise: Promise<T> = resolve(() => resolving.get(digest) === promise).finally(() => {
        if (resolving.get(digest) === promise) resolving.delete(digest)
      })
      resolving.set(digest, promise)
      return { promise, leads: true }
    },
  }
}
