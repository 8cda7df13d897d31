// Finds the binding of a digest in Redis or PostgreSQL within one deadline, whichever of them lives.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { EngineAwayError, type SharedCache } from '../store/store.ts'
import type { StoredBinding } from './binding-rows.ts'
import { type BindingStore, decisionDeadlineMs } from './binding-store.ts'

/** `generation` is that of Redis when it was asked: null when it did not answer, and is then not to be filled. */
export type LookUpResult =
  | { outcome: 'found'; binding: StoredBinding }
  /** Known for certain. */
  | { outcome: 'absent'; generation: string | null }
  /** No living engine knows. */
  | { outcome: 'undecidable' }
export type LookUp = (digest: string, versionMin: number) => Promise<LookUpResult>

type SharedAnswer = { binding: StoredBinding | null; generation: string | null }

/** A slow Redis gets this long alone before PostgreSQL is asked as well. */
const sharedHeadStartMs = 100

export function createLookUp(dependencies: {
  store: Pick<BindingStore, 'find'>
  sharedCache: SharedCache | null
  clock: Clock
  logger: Logger
}): LookUp {
  const { store, sharedCache, clock, logger } = dependencies

  async function askShared(digest: string, versionMin: number): Promise<SharedAnswer> {
    if (!sharedCache?.isUsable()) return { binding: null, generation: null }
    try {
      const { entry, generation } = await sharedCache.get(digest)
      return { binding: entry && entry.version >= versionMin ? parseShared(entry.value) : null, generation }
    } catch (error) {
      if (!(error instanceof EngineAwayError)) {
        logger.warn('shared cache could not be read', { component: 'bindings', error })
      }
      return { binding: null, generation: null }
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
    const shared = askShared(digest, versionMin)
    const early = await withHeadStart(shared, clock)
    if (early !== 'slow' && early.binding) return { outcome: 'found', binding: early.binding }
    const leftMs = Math.max(1, decisionDeadlineMs - (clock.monotonicMs() - startedMs))
    const found = await askDatabase(digest, leftMs)
    if (found === 'away') {
      const { binding } = await shared
      return binding ? { outcome: 'found', binding } : { outcome: 'undecidable' }
    }
    const generation = early === 'slow' ? null : early.generation
    if (found === 'absent') return { outcome: 'absent', generation }
    fillShared(sharedCache, digest, found, generation)
    return { outcome: 'found', binding: found }
  }
}

/** The call does not wait for Redis; an entry that could not be written is looked up again next time. */
export function fillShared(
  cache: SharedCache | null,
  digest: string,
  binding: StoredBinding,
  generation: string | null,
): void {
  if (generation === null) return
  cache?.fill(digest, binding.version, formatShared(binding), generation).catch(() => undefined)
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
