// A bounded map whose entries carry tags, so that all entries of a tag go at once, at the cost of those entries only.

type Entry<Value> = { value: Value; tags: readonly string[] }

/** The entry stored longest ago goes first. */
export class TaggedMap<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>()
  readonly #keysByTag = new Map<string, Set<Key>>()
  readonly #entriesMax: number

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  get size(): number {
    return this.#entries.size
  }

  peek(key: Key): Value | undefined {
    return this.#entries.get(key)?.value
  }

  set(key: Key, value: Value, tags: readonly string[]): void {
    this.delete(key)
    this.#entries.set(key, { value, tags })
    for (const tag of tags) this.#keysOf(tag).add(key)
    if (this.#entries.size <= this.#entriesMax) return
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.delete(oldest.value)
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    for (const tag of entry.tags) {
      const keys = this.#keysByTag.get(tag)
      keys?.delete(key)
      if (keys?.size === 0) this.#keysByTag.delete(tag)
    }
  }

  deleteTag(tag: string): void {
    for (const key of this.#keysByTag.get(tag) ?? []) this.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#keysByTag.clear()
  }

  #keysOf(tag: string): Set<Key> {
    const keys = this.#keysByTag.get(tag) ?? new Set<Key>()
    this.#keysByTag.set(tag, keys)
    return keys
  }
}
