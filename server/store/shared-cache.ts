// Second-level cache in Redis: versioned entries within a generation, each operation one Lua script and so one step.
import { randomUUID } from 'node:crypto'
import type { Redis, RedisScript } from './redis.ts'
import { redisScript } from './redis-script.ts'
import type { SharedCache } from './store.ts'

const entryLifeMs = 3_600_000
const tombstoneLifeMs = 60_000
const markLifeMs = 5_000

/*
 * An entry is a hash: g generation, v version, x value, m mark of a change under way.
 * Without x it is a tombstone (or only marked). An entry of another generation does not exist.
 */

/** Redis may have lost the generation with everything else; the first to notice puts its candidate. */
const begin = `
local g = redis.call('GET', KEYS[1])
if not g then g = ARGV[1]; redis.call('SET', KEYS[1], g) end
local e = redis.call('HMGET', KEYS[2], 'g', 'v', 'm', 'x')
local mine = e[1] == g
`

const get = redisScript(`${begin}
if not mine or e[3] or not e[4] then return {g} end
return {g, e[2], e[4]}`)

const fill = redisScript(`${begin}
if g ~= ARGV[5] then return 0 end
if mine and (e[3] or (e[2] and tonumber(e[2]) >= tonumber(ARGV[2]))) then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'g', g, 'v', ARGV[2], 'x', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1`)

const mark = redisScript(`${begin}
if mine then redis.call('HDEL', KEYS[2], 'x') else redis.call('DEL', KEYS[2]) end
redis.call('HSET', KEYS[2], 'g', g, 'm', '1')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return g`)

/* Where another generation has begun since the mark, somebody may have filled it with what the change replaced: that goes, too. */
const put = redisScript(`${begin}
if mine and e[2] and tonumber(e[2]) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'g', g, 'v', ARGV[2])
if g ~= ARGV[5] then
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
  return 0
end
redis.call('HSET', KEYS[2], 'x', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1`)

const drop = redisScript(`${begin}
if mine and e[2] and tonumber(e[2]) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'g', g, 'v', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1`)

export function createSharedCache(redis: Redis): SharedCache {
  /** The first value of each script is the candidate for a lost generation. */
  const run = (script: RedisScript, key: string, values: readonly (string | number)[]) =>
    redis.run(script, [redis.generationKey, `${redis.prefix}cache:${key}`], [randomUUID(), ...values])
  return {
    isUsable: redis.isUsable,
    async get(key) {
      const reply = await run(get, key, [])
      const [generation, version, value] = Array.isArray(reply) ? reply : []
      const entry = value === undefined ? null : { version: Number(version), value: String(value) }
      return { entry, generation: String(generation) }
    },
    async fill(key, version, value, generation) {
      await run(fill, key, [version, value, entryLifeMs, generation])
    },
    markChanging: async (key) => String(await run(mark, key, [markLifeMs])),
    async put(key, version, value, generation) {
      await run(put, key, [version, value, entryLifeMs, generation, tombstoneLifeMs])
    },
    async drop(key, version) {
      await run(drop, key, [version, tombstoneLifeMs])
    },
  }
}
