// One run of a piece of work for all who ask for it meanwhile.

export class SingleFlight<Key> {
  readonly #running = new Map<Key, Promise<unknown>>()

  /**
   * Runs `work` once for all who ask for `key` until it ends; one kind of result belongs to a key. `isCurrent` tells
   * `work` at its end whether the run was forgotten meanwhile: its result is then good for those who waited, but must not be remembered.
   */
  share<T>(
    key: Key,
    work: (isCurrent: () => boolean) => Promise<T>,
  ): { promise: Promise<T>; leads: boolean } {
    const running = this.#running.get(key)
    if (running) return { promise: running as Promise<T>, leads: false }
    const promise: Promise<T> = work(() => this.#running.get(key) === promise).finally(() => {
      if (this.#running.get(key) === promise) this.#running.delete(key)
    })
    this.#running.set(key, promise)
    return { promise, leads: true }
  }

  /** Who asks from now on begins a new run: what is running may hold old knowledge. */
  forget(key: Key): void {
    this.#running.delete(key)
  }

  forgetAll(): void {
    this.#running.clear()
  }
}
