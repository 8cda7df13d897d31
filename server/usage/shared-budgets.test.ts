// Budgets over several processes on one Redis: never overrun, whatever is lost, killed or restarted, and never for the unbudgeted.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { needs } from '../../test/support/needs.ts'
import { createTestPlace, type TestPlace } from '../store/test-support.ts'
import {
  callOf,
  cent,
  codeOf,
  createPrivateRedis,
  done,
  openCall,
  openMany,
  openRoom,
  type PrivateRedis,
  type Room,
} from './test-support/rooms.ts'

let lastClient = 0
const newClient = () => ++lastClient

/** A process that opens and settles calls and is then killed; answers how many had passed. */
async function killHolder(place: TestPlace, order: { clientId: number; open: number; settle: number }) {
  const { dataDir, pgDsn, redisAddr, redisPrefix, pepper, masterKey } = place.dependencies.config
  const told = {
    ...{ ...order, dayMicros: 100 * cent },
    place: {
      ...{ dataDir, redisPrefix, pgDsn: pgDsn?.reveal(), redisAddr: redisAddr?.reveal() ?? null },
      ...{ pepper: pepper.reveal(), masterKey: masterKey.reveal() },
    },
  }
  const file = join(import.meta.dirname, 'test-support/holder.ts')
  const child = spawn(process.execPath, [file, JSON.stringify(told)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    if (output.includes('\n')) break
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  return Number(/passed (\d+)/.exec(output)?.[1])
}

describe('budgets over two processes', await needs('redis', 'postgres'), () => {
  let redis: PrivateRedis
  let place: TestPlace
  let rooms: [Room, Room]
  before(async () => {
    redis = await createPrivateRedis()
    place = await redis.place()
    rooms = [await openRoom(place), await openRoom(place)]
  })
  after(async () => {
    for (const room of rooms) await room.close()
    await place.remove()
    await redis.kill()
  })

  const passAll = (calls: { settle(outcome: typeof done): void }[]) => {
    for (const call of calls) call.settle(done)
  }
  /** After an absence, when budgets can be told again. */
  const opensAgain = (call: ReturnType<typeof callOf>) =>
    eventually('the budget can be told', async () => {
      const codes = [await codeOf(rooms[0], call), await codeOf(rooms[1], call)]
      return !codes.includes('budget_unavailable')
    })

  test('of a thousand calls at once for a hundred, a hundred pass, and no cost is lost', async () => {
    const clientId = newClient()
    const call = callOf(clientId, { day_micros: 100 * cent, month_micros: 500 * cent })
    const { passed, codes } = await openMany(rooms, call, 1_000)
    assert.deepEqual([passed.length, codes], [100, ['budget_exceeded']])
    passAll(passed)
    assert.equal((await openMany(rooms, call, 20)).passed.length, 0)
    for (const { usage } of rooms) await usage.events.spentSince(clientId, new Date(0))
    assert.equal(await rooms[0].usage.events.spentSince(clientId, new Date(0)), 100 * cent)
  })

  test('Redis emptied under open calls: settled and open ones of both processes are counted again', async () => {
    const clientId = newClient()
    const call = callOf(clientId, { day_micros: 100 * cent })
    const { passed } = await openMany(rooms, call, 60)
    passAll(passed.slice(0, 25))
    await redis.send('FLUSHALL')
    passAll(passed.slice(25, 30))
    const again = await openMany(rooms, call, 200)
    assert.deepEqual([again.passed.length, again.codes], [40, ['budget_exceeded']])
    passAll([...passed, ...again.passed])
    const [day] = await rooms[1].usage.budgets.describe(clientId, { day_micros: 1 })
    assert.deepEqual([day?.spent_micros, day?.reserved_micros], [100 * cent, 0])
  })

  test('Redis killed: budgeted calls are refused, unbudgeted ones pass, and nothing is forgotten when it is back', async () => {
    const clientId = newClient()
    const call = callOf(clientId, { day_micros: 100 * cent })
    const { passed } = await openMany(rooms, call, 60)
    passAll(passed.slice(0, 20))
    await redis.kill()
    passAll(passed.slice(20, 40))
    assert.equal(await codeOf(rooms[0], call), 'budget_unavailable')
    assert.equal(await codeOf(rooms[0], callOf(newClient())), 'passed')
    await redis.start()
    await opensAgain(call)
    await eventually('what was tried meanwhile is given back', async () => {
      const [day] = await rooms[1].usage.budgets.describe(clientId, { day_micros: 1 })
      return day && (day.spent_micros ?? 0) + (day.reserved_micros ?? 0) === 60 * cent
    })
    const again = await openMany(rooms, call, 200)
    assert.deepEqual([again.passed.length, again.codes], [40, ['budget_exceeded']])
    passAll([...passed, ...again.passed])
    await eventually('all is settled', async () => {
      const [day] = await rooms[1].usage.budgets.describe(clientId, { day_micros: 1 })
      return day?.spent_micros === 100 * cent && day.reserved_micros === 0
    })
  })

  test('a killed process: its reservations count on for a while, then what they did not cost is free', async () => {
    const clientId = newClient()
    const call = callOf(clientId, { day_micros: 100 * cent })
    assert.equal(await killHolder(place, { clientId, open: 60, settle: 20 }), 60)
    const first = await openMany(rooms, call, 200)
    assert.ok(first.passed.length <= 40, String(first.passed.length))
    passAll(first.passed)
    let passed = first.passed.length
    await eventually('the reservations of the killed process are taken out', async () => {
      passed += (await openSweeping(call)).length
      return passed === 80
    })
    assert.equal((await openSweeping(call)).length, 0)
  })

  /** A refusal makes the room look through the reservations, every 10 s at most. */
  async function openSweeping(call: ReturnType<typeof callOf>) {
    const { passed } = await openMany(rooms, call, 4)
    passAll(passed)
    return passed
  }

  test('the warning is given once by both', async () => {
    const clientId = newClient()
    const call = callOf(clientId, { day_micros: 100 * cent })
    const { passed } = await openMany(rooms, call, 100)
    assert.equal(passed.length, 100)
    passAll(passed)
    const warned = () =>
      rooms.flatMap(({ warnings }) => warnings.filter((warning) => warning.clientId === clientId))
    await eventually('a warning', () => warned().length > 0)
    // A loaded machine may hold Redis up for longer than its deadline; the budget can be told again after that.
    // Larger by more than one call: what is tried for that is given back a moment later.
    const larger = callOf(clientId, { day_micros: 110 * cent })
    await opensAgain(larger)
    passAll([await openCall(rooms[0], larger)])
    assert.equal(warned().length, 1)
  })

  test('a client without a budget asks nothing of Redis', async () => {
    const clientId = newClient()
    for (let count = 0; count < 50; count++) {
      const opened = rooms[0].usage.meter.open(callOf(clientId))
      assert.ok(!(opened instanceof Promise) && 'settle' in opened)
      opened.settle(done)
    }
    assert.deepEqual(await redis.send('KEYS', `*budget:${clientId}:*`), [])
  })
})

test(
  'without Redis a killed process is counted from its journal by the next one',
  await needs('postgres'),
  async (t) => {
    const place = await createTestPlace({ kind: 'dsn', redis: false })
    t.after(place.remove)
    assert.equal(await killHolder(place, { clientId: 1, open: 90, settle: 70 }), 90)
    const room = await openRoom(place)
    t.after(room.close)
    const { passed, codes } = await openMany([room], callOf(1, { day_micros: 100 * cent }), 200)
    assert.deepEqual([passed.length, codes], [30, ['budget_exceeded']])
  },
)
