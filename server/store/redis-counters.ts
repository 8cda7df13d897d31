// Fixed-window counters shared by all replicas; while Redis is away each process counts for itself.
import { EngineAwayError } from './engine-away-error.ts'
import type { Redis } from './redis.ts'
import { redisScript } from './redis-script.ts'
import type { Counters } from './store.ts'

const increment = redisScript(`
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]); left = tonumber(ARGV[2]) end
return {count, left}`)

const read = redisScript(`
return {redis.call('GET', KEYS[1]) or 0, redis.call('PTTL', KEYS[1])}`)

const reset = redisScript(`return redis.call('DEL', KEYS[1])`)

export function createRedisCounters(redis: Redis, fallback: Counters): Counters {
  const keyOf = (key: string) => `${redis.prefix}count:${key}`

  async function orElse<Value>(shared: () => Promise<Value>, local: () => Promise<Value>): Promise<Value> {
    try {
      return await shared()
    } catch (error) {
      if (!(error instanceof EngineAwayError)) throw error
      return await local()
    }
  }

  return {
    increment: (key, windowMs, by = 1) =>
      orElse(
        async () => readReply(await redis.run(increment, [keyOf(key)], [by, windowMs])),
        () => fallback.increment(key, windowMs, by),
      ),
    read: (key) =>
      orElse(
        async () => readReply(await redis.run(read, [keyOf(key)], [])),
        () => fallback.read(key),
      ),
    async reset(key) {
      await fallback.reset(key)
      await orElse(
        async () => void (await redis.run(reset, [keyOf(key)], [])),
        async () => undefined,
      )
    },
  }
}

function readReply(reply: unknown): { count: number; resetMs: number } {
  const [count, left] = Array.isArray(reply) ? reply : [0, 0]
  return { count: Number(count), resetMs: Math.max(0, Number(left)) }
}
