// Opened provider keys in memory: used only while change notices are fresh, forgotten as soon as one of them changes.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Secret } from '../lib/secret.ts'
import type { Notices } from '../store/store.ts'

/** Clients times providers in use at once; past that the one stored longest ago is opened again. */
const keysMax = 20_000

export type Owner = { clientId: number | null; provider: string }
export type OpenedKeys = ReturnType<typeof createOpenedKeys>

const topic = 'vault'

/** `load` opens the key from the database; null: there is none, which is remembered as well. */
export function createOpenedKeys(notices: Notices, load: (owner: Owner) => Promise<Secret | null>) {
  const opened = new BoundedMap<string, { secret: Secret | null }>(keysMax)
  const loading = new Map<string, Promise<Secret | null>>()
  const nameOf = ({ clientId, provider }: Owner) => `${clientId ?? 'shared'}|${provider}`

  function forget(owner: Owner): void {
    const name = nameOf(owner)
    opened.delete(name)
    // What is being read now may be from before the change: it serves those who wait, and is not remembered.
    loading.delete(name)
  }

  const unsubscribe = notices.subscribe(topic, (payload) => {
    // Only processes of this database can send on the channel, and all of them send this shape.
    for (const owner of payload as Owner[]) forget(owner)
  })
  const unwatch = notices.onGap(() => {
    opened.clear()
    loading.clear()
  })

  function loadShared(owner: Owner): Promise<Secret | null> {
    const name = nameOf(owner)
    const running = loading.get(name)
    if (running) return running
    const wasFresh = notices.isFresh()
    const promise: Promise<Secret | null> = load(owner)
      .then((secret) => {
        if (wasFresh && loading.get(name) === promise) opened.set(name, { secret })
        return secret
      })
      .finally(() => {
        if (loading.get(name) === promise) loading.delete(name)
      })
    loading.set(name, promise)
    return promise
  }

  return {
    /** Without a promise when the key is known freshly. */
    get(owner: Owner): Secret | null | Promise<Secret | null> {
      const known = notices.isFresh() ? opened.get(nameOf(owner)) : undefined
      return known ? known.secret : loadShared(owner)
    },
    forget,
    /** Tells every process, when `tx` commits, that the keys of `owners` changed. */
    publish: (tx: Parameters<Notices['publish']>[0], owners: readonly Owner[]) =>
      notices.publish(tx, topic, owners),
    close(): void {
      unsubscribe()
      unwatch()
      opened.clear()
    },
  }
}
