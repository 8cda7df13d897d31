// The world of the simulation: virtual time, PostgreSQL, Redis and notices under one seeded scheduler.
// Every engine call can be slow, fail before or after it took effect, or never return because its process died.
import type { Clock, Timer } from '../lib/clock.ts'
import { EngineAwayError } from '../store/store.ts'
import type { StoredBinding } from './binding-rows.ts'

export type Random = { below(limit: number): number; chance(probability: number): boolean }

/** mulberry32: the same seed tells the same story. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { below: (limit) => Math.floor(next() * limit), chance: (probability) => next() < probability }
}

/** Virtual time: the earliest event next, everything that it sets free runs before the one after it. */
export function createScheduler() {
  let nowMs = 0
  let sequence = 0
  const events: { atMs: number; order: number; run: () => void }[] = []
  const add = (delayMs: number, run: () => void): Timer => {
    const event = { atMs: nowMs + delayMs, order: sequence++, run }
    events.push(event)
    return {
      cancel() {
        event.run = () => undefined
      },
    }
  }
  const clock: Clock = {
    now: () => 1_760_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    after: add,
    every(periodMs, run) {
      let timer = add(periodMs, tick)
      function tick() {
        timer = add(periodMs, tick)
        run()
      }
      return { cancel: () => timer.cancel() }
    },
  }
  return {
    clock,
    sleep: (delayMs: number) => new Promise<void>((resolve) => void add(delayMs, resolve)),
    async runUntil(endMs: number): Promise<void> {
      for (;;) {
        // Everything set free by the last event settles before the next one is chosen.
        await new Promise((resolve) => setImmediate(resolve))
        let next = -1
        for (let index = 0; index < events.length; index++) {
          const [event, best] = [events[index], events[next]]
          if (
            event &&
            (!best || event.atMs < best.atMs || (event.atMs === best.atMs && event.order < best.order))
          )
            next = index
        }
        const event = events[next]
        if (!event || event.atMs > endMs) break
        events.splice(next, 1)
        nowMs = Math.max(nowMs, event.atMs)
        event.run()
      }
      nowMs = endMs
    },
  }
}
type Scheduler = ReturnType<typeof createScheduler>

export type DatabaseRow = StoredBinding & { digest: string; tokenDisplay: string }
/** What stood in the database from `atMs` on; null: no binding. */
export type Epoch = { atMs: number; state: StoredBinding | null }
export type RedisEntry = { version: number; value: string | null; mark: boolean; expiresMs: number }
/** `leaveTurn` ends the turn of a writer that died in it. */
export type Member = { alive: boolean; hear(payload: unknown): void; leaveTurn(): void }

export const never = new Promise<never>(() => undefined)
const deadlineMs = 1000

export class World {
  readonly scheduler: Scheduler
  readonly random: Random
  databaseUp = true
  redisUp = true
  redisGeneration = 0
  readonly redis = new Map<string, RedisEntry>()
  readonly rows = new Map<string, DatabaseRow>()
  readonly history = new Map<string, Epoch[]>()
  readonly members = new Set<Member>()
  #version = 0
  #id = 0
  #turn: Promise<void> = Promise.resolve()

  constructor(seed: number) {
    this.random = createRandom(seed)
    this.scheduler = createScheduler()
  }

  nextVersion(): number {
    return ++this.#version
  }

  nextId(): number {
    return ++this.#id
  }

  put(digest: string, row: DatabaseRow | null): void {
    if (row) this.rows.set(digest, row)
    else this.rows.delete(digest)
    const epochs = this.history.get(digest) ?? [{ atMs: -1, state: null }]
    epochs.push({ atMs: this.scheduler.clock.monotonicMs(), state: row && { ...row } })
    this.history.set(digest, epochs)
  }

  /** One engine call of `member`: slow, failing before or after `effect`, or never returning. */
  async call<T>(member: Member, engine: 'database' | 'redis', effect: () => T): Promise<T> {
    const isUp = () => (engine === 'database' ? this.databaseUp : this.redisUp)
    const slow = this.random.chance(0.02)
    await this.scheduler.sleep(slow ? this.random.below(deadlineMs) : this.random.below(6))
    if (!member.alive) return never
    if (!isUp()) throw new EngineAwayError(engine)
    const result = effect()
    await this.scheduler.sleep(this.random.below(4))
    if (!member.alive) return never
    if (!isUp() || this.random.chance(0.003)) throw new EngineAwayError(engine)
    return result
  }

  /** Writers take turns, as row locks make them; a dead process loses its turn and its work. */
  async exclusively<T>(member: Member, work: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const own = Promise.withResolvers<void>()
    this.#turn = own.promise
    await before
    if (!member.alive) own.resolve()
    member.leaveTurn = own.resolve
    try {
      return member.alive ? await work() : await never
    } finally {
      own.resolve()
    }
  }

  tell(payload: unknown): void {
    for (const member of this.members) member.hear(structuredClone(payload))
  }
}
