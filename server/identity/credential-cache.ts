// What this process remembers of credentials between calls, for as long as change notices prove it current.
import { SingleFlight } from '../lib/single-flight.ts'
import { TaggedMap } from '../lib/tagged-map.ts'

/** A state read from the database, and the rows it was made of: a change of any of them makes it old. */
export type Found<Value> = { value: Value; tags: readonly string[] }

export type CredentialCache<Key, Value> = {
  /** Undefined when it is not known, or not known to be current. */
  peek(key: Key): Value | undefined
  /** Reads once for all who ask meanwhile; remembers nothing that a change overlapped. */
  load(key: Key, read: () => Promise<Found<Value> | null>): Promise<Value | null>
  /** Rows behind `tags` were changed. */
  drop(tags: readonly string[]): void
  clear(): void
}

export function createCredentialCache<Key, Value>(options: {
  entriesMax: number
  isFresh(): boolean
}): CredentialCache<Key, Value> {
  const entries = new TaggedMap<Key, Value>(options.entriesMax)
  const reading = new SingleFlight<Key>()
  return {
    peek: (key) => (options.isFresh() ? entries.peek(key) : undefined),
    load(key, read) {
      const { promise } = reading.share(key, async (isCurrent) => {
        const found = await read()
        if (found && isCurrent()) entries.set(key, found.value, found.tags)
        return found ? found.value : null
      })
      return promise
    },
    drop(tags) {
      for (const tag of tags) entries.deleteTag(tag)
      // Which rows a running look-up will find is not known yet: all of them are made anew for who asks from now on.
      reading.forgetAll()
    },
    clear() {
      entries.clear()
      reading.forgetAll()
    },
  }
}
