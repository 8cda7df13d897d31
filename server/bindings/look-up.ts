// Finds the binding of a digest in Redis or PostgreSQL within one deadline, whichever of them lives.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { EngineAwayError, type SharedCache } from '../store/store.ts'
import type { StoredBinding } from './binding-rows.ts'
import { type BindingStore, decisionDeadlineMs } from './binding-store.ts'

/** `absent` is known for certain; `undecidable` means that no living engine knows. */
export type LookUpResult = StoredBinding | 'absent' | 'undecidable'
export type LookUp = (digest: string, versionMin: number) => Promise<LookUpResult>

/** A slow Redis gets this long alone before PostgreSQL is asked as well. */
const sharedHeadStartMs = 100

export function createLookUp(dependencies: {
  store: Pick<BindingStore, 'find'>
  sharedCache: SharedCache | null
  clock: Clock
  logger: Logger
}): LookUp {
  const { store, sharedCache, clock, logger } = dependencies

  async function askShared(
    cache: SharedCache,
    digest: string,
    versionMin: number,
  ): Promise<StoredBinding | 'unknown'> {
    try {
      const entry = await cache.get(digest)
      if (!entry || entry.version < versionMin) return 'unknown'
      return parseShared(entry.value) ?? 'unknown'
    } catch (error) {
      if (!(error instanceof EngineAwayError))
        logger.warn('shared cache could not be read', { component: 'bindings', error })
      return 'unknown'
    }
  }

  async function askDatabase(digest: string, deadlineMs: number): Promise<StoredBinding | 'absent' | 'away'> {
    try {
      return (await store.find(digest, deadlineMs)) ?? 'absent'
    } catch (error) {
      if (!(error instanceof EngineAwayError))
        logger.warn('binding could not be read', { component: 'bindings', error })
      return 'away'
    }
  }

  return async (digest, versionMin) => {
    const startedMs = clock.monotonicMs()
    const shared = sharedCache?.isUsable()
      ? askShared(sharedCache, digest, versionMin)
      : Promise.resolve('unknown' as const)
    const early = await withHeadStart(shared, clock)
    if (early !== 'slow' && early !== 'unknown') return early
    const found = await askDatabase(
      digest,
      Math.max(1, decisionDeadlineMs - (clock.monotonicMs() - startedMs)),
    )
    if (found === 'away') {
      const late = await shared
      return late === 'unknown' ? 'undecidable' : late
    }
    if (found !== 'absent' && sharedCache?.isUsable()) {
      // The answer does not wait for Redis; an entry that could not be written is looked up again next time.
      sharedCache.fill(digest, found.version, formatShared(found)).catch(() => undefined)
    }
    return found
  }
}

function withHeadStart<T>(shared: Promise<T>, clock: Clock): Promise<T | 'slow'> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(sharedHeadStartMs, () => resolve('slow'))
    shared.then(resolve, reject).finally(() => timer.cancel())
  })
}

/** The entry of Redis: what a decision needs and no more. */
export function formatShared(binding: StoredBinding): string {
  const { id, version, status, rule, provisional } = binding
  return JSON.stringify([id, version, status, rule.mode, rule.allowedIps, provisional])
}

/** Null when the text is not an entry of ours: Redis then simply does not know. */
export function parseShared(text: string): StoredBinding | null {
  try {
    const [id, version, status, mode, allowedIps, provisional] = JSON.parse(text) as unknown[]
    if (typeof id !== 'number' || typeof version !== 'number' || typeof provisional !== 'boolean') return null
    if (status !== 'active' && status !== 'banned') return null
    if (mode !== 'single' && mode !== 'multiple' && mode !== 'all') return null
    if (!Array.isArray(allowedIps) || !allowedIps.every((item) => typeof item === 'string')) return null
    return { id, version, status, provisional, rule: { mode, allowedIps } }
  } catch {
    return null
  }
}
