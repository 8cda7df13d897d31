// Changes of clients and credentials: committed together with their audit row, forgotten here at once and told to every process.
import type { Database, Notices, Queryable } from '../store/store.ts'
import type { CredentialCache } from './credential-cache.ts'

const topic = 'identity'

export const clientTag = (id: number) => `client:${id}`
export const apiKeyTag = (id: number) => `api_key:${id}`
export const deviceTag = (pk: number) => `device:${pk}`

export type IdentityChanges = {
  /**
   * Commits what `work` does. `touch` names rows whose credentials must be looked up anew: when this resolves, no call
   * that begins later is judged by what was known of them before.
   */
  commit<T>(work: (tx: Queryable, touch: (tag: string) => void) => Promise<T>): Promise<T>
  close(): void
}

type Droppable = Pick<CredentialCache<never, never>, 'drop' | 'clear'>

export function createIdentityChanges(dependencies: {
  database: Database
  notices: Notices
  caches: readonly Droppable[]
}): IdentityChanges {
  const { database, notices, caches } = dependencies
  const drop = (tags: readonly string[]) => {
    for (const cache of caches) cache.drop(tags)
  }
  // Only processes of this database can send on the channel, and all of them send this shape.
  const unsubscribe = notices.subscribe(topic, (payload) => drop(payload as string[]))
  const unwatch = notices.onGap(() => {
    for (const cache of caches) cache.clear()
  })

  return {
    async commit(work) {
      const tags: string[] = []
      try {
        return await database.transaction(async (tx) => {
          const answer = await work(tx, (tag) => tags.push(tag))
          if (tags.length > 0) await notices.publish(tx, topic, tags)
          return answer
        })
      } finally {
        // Also after a failure: a lost answer to COMMIT may hide a change that was made.
        if (tags.length > 0) drop(tags)
      }
    },
    close() {
      unsubscribe()
      unwatch()
    },
  }
}
