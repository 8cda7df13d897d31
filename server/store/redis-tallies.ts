// Sums with reservations in Redis, shared by all processes: each operation one Lua script and so one step.
import type { Redis } from './redis.ts'
import { redisScript } from './redis-script.ts'
import { roundMs, type SettledSum, type Tallies, type TallyItem } from './tallies.ts'

/*
 * A tally is a hash: s state ('ready', else the id of the round), l end of the round, t settled, r reserved,
 * o:<member>/<id> amount of an open item, p:<id> listed in the round, m:<member> has joined it.
 */

/** Rounds are short; an abandoned one must not stay for ever. */
const roundKeepMs = 86_400_000

const helpers = `
local function takeOut(key, field)
  local amount = redis.call('HGET', key, field)
  if not amount then return false end
  redis.call('HDEL', key, field)
  -- Not by a sign alone: Lua writes the negative of nothing as '-0', and Redis takes that for no number.
  redis.call('HINCRBY', key, 'r', 0 - tonumber(amount))
  return true
end
local function putIn(key, field, amount)
  takeOut(key, field)
  redis.call('HSET', key, field, amount)
  redis.call('HINCRBY', key, 'r', amount)
end
`

const reserve = redisScript(`${helpers}
for i, key in ipairs(KEYS) do
  local e = redis.call('HMGET', key, 's', 't', 'r', ARGV[1])
  if e[1] ~= 'ready' then return {'unknown', i, 0} end
  local others = tonumber(e[3]) - tonumber(e[4] or 0)
  if tonumber(e[2]) + others + tonumber(ARGV[2]) > tonumber(ARGV[2 + i]) then
    for _, each in ipairs(KEYS) do takeOut(each, ARGV[1]) end
    return {'exceeded', i, others}
  end
end
for _, key in ipairs(KEYS) do putIn(key, ARGV[1], ARGV[2]) end
return {'reserved', 0, 0}`)

const settle = redisScript(`${helpers}
local sums = {}
for i, key in ipairs(KEYS) do
  local state = redis.call('HGET', key, 's')
  local known = state and takeOut(key, ARGV[1])
  if known or (state == 'ready' and ARGV[3] == '0') then redis.call('HINCRBY', key, 't', ARGV[2]) end
  sums[i] = state == 'ready' and redis.call('HGET', key, 't') or ''
end
return sums`)

const begin = redisScript(`
local e = redis.call('HMGET', KEYS[1], 's', 'l')
if e[1] == 'ready' then return 'ready' end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if e[1] and tonumber(e[2]) > now then return e[1] end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 's', ARGV[1], 'l', now + tonumber(ARGV[2]), 't', 0, 'r', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return ARGV[1]`)

/** Values: round, member, number of open items, then field, id and amount of each open and each settled one. */
const join = redisScript(`${helpers}
if redis.call('HGET', KEYS[1], 's') ~= ARGV[1] then return 0 end
local open = tonumber(ARGV[3])
for i = 0, (#ARGV - 3) / 3 - 1 do
  local field, id, amount = ARGV[4 + i * 3], ARGV[5 + i * 3], ARGV[6 + i * 3]
  if redis.call('HSETNX', KEYS[1], 'p:' .. id, 1) == 1 then
    if i < open then putIn(KEYS[1], field, amount) else redis.call('HINCRBY', KEYS[1], 't', amount) end
  end
end
redis.call('HSET', KEYS[1], 'm:' .. ARGV[2], 1)
return 1`)

const inspect = redisScript(`
if redis.call('HGET', KEYS[1], 's') ~= ARGV[1] then return false end
return redis.call('HKEYS', KEYS[1])`)

const complete = redisScript(`
if redis.call('HGET', KEYS[1], 's') ~= ARGV[1] then return 0 end
redis.call('HINCRBY', KEYS[1], 't', ARGV[2])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local kind = string.sub(field, 1, 2)
  if kind == 'p:' or kind == 'm:' then redis.call('HDEL', KEYS[1], field) end
end
redis.call('HSET', KEYS[1], 's', 'ready')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`)

const read = redisScript(`return redis.call('HMGET', KEYS[1], 's', 't', 'r')`)
const drop = redisScript(`return redis.call('DEL', unpack(KEYS))`)
const list = redisScript(`return redis.call('HGETALL', KEYS[1])`)

export function createRedisTallies(redis: Redis): Tallies {
  const keyOf = (key: string) => `${redis.prefix}tally:${key}`
  const fieldOf = ({ member, id }: TallyItem) => `o:${member}/${id}`

  return {
    isShared: true,
    async reserve(item, claims) {
      const keys = claims.map(({ key }) => keyOf(key))
      const limits = claims.map(({ limit }) => limit)
      const reply = readList(await redis.run(reserve, keys, [fieldOf(item), item.amount, ...limits]))
      const key = claims[Number(reply[1]) - 1]?.key
      if (key === undefined) return { outcome: 'reserved' }
      if (reply[0] === 'unknown') return { outcome: 'unknown', key }
      return { outcome: 'exceeded', key, reserved: Number(reply[2]) }
    },
    async settle(item, keys, isRepeated) {
      const values = [fieldOf(item), item.amount, isRepeated ? 1 : 0]
      const sums = readList(await redis.run(settle, keys.map(keyOf), values))
      return keys.flatMap((key, index): SettledSum[] =>
        sums[index] ? [{ key, settled: Number(sums[index]) }] : [],
      )
    },
    async read(key) {
      const [state, settled, reserved] = readList(await redis.run(read, [keyOf(key)], []))
      return state === 'ready' ? { settled: Number(settled), reserved: Number(reserved) } : null
    },
    begin: async (key, round) => String(await redis.run(begin, [keyOf(key)], [round, roundMs, roundKeepMs])),
    async join(key, round, { member, open, settled }) {
      const items = [...open, ...settled].flatMap((item) => [fieldOf(item), item.id, item.amount])
      return (await redis.run(join, [keyOf(key)], [round, member, open.length, ...items])) === 1
    },
    async inspect(key, round) {
      const reply = await redis.run(inspect, [keyOf(key)], [round])
      if (!Array.isArray(reply)) return null
      const fields = readList(reply)
      const named = (kind: string) =>
        fields.flatMap((field) => (field.startsWith(kind) ? [field.slice(2)] : []))
      return { members: named('m:'), ids: named('p:') }
    },
    complete: async (key, round, onFile, keepMs) =>
      (await redis.run(complete, [keyOf(key)], [round, onFile, keepMs])) === 1,
    async drop(keys) {
      if (keys.length > 0) await redis.run(drop, keys.map(keyOf), [])
    },
    async listOpen(key) {
      return readOpenItems(readList(await redis.run(list, [keyOf(key)], [])))
    },
  }
}

/** Fields and values in turn. */
function readOpenItems(reply: readonly string[]): TallyItem[] {
  const items: TallyItem[] = []
  for (let at = 0; at < reply.length; at += 2) {
    const [, member, id] = /^o:([^/]+)\/(.+)$/.exec(reply[at] ?? '') ?? []
    if (member !== undefined && id !== undefined) items.push({ member, id, amount: Number(reply[at + 1]) })
  }
  return items
}

function readList(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : []
}
