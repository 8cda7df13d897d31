// Tests of the lockout: what counts as a failure, for whom, and for how long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { type IpAddress, parseIpAddress } from '../lib/ip-address.ts'
import { createMemoryCounters } from '../store/memory-counters.ts'
import { createLoginLockout } from './login-lockout.ts'

const minuteMs = 60_000

function address(text: string): IpAddress {
  const parsed = parseIpAddress(text)
  assert.ok(parsed)
  return parsed
}

function open() {
  const clock = createManualClock()
  let tries = 0
  const lockout = createLoginLockout({ counters: createMemoryCounters(clock) })
  const attempt = (from: string, isRight: boolean) =>
    lockout.attempt(address(from), async () => {
      tries++
      return isRight ? 'session' : null
    })
  const fail = async (from: string, times: number) => {
    for (let index = 0; index < times; index++) await attempt(from, false)
  }
  return { clock, lockout, attempt, fail, tries: () => tries }
}

test('the sixth attempt is refused untried, right password or not, until fifteen minutes have passed', async () => {
  const { clock, attempt, fail, tries } = open()
  await fail('203.0.113.7', 4)
  clock.advance(minuteMs)
  assert.equal((await attempt('203.0.113.7', false)).outcome, 'tried')
  assert.deepEqual(await attempt('203.0.113.7', true), { outcome: 'locked', retryAfterSeconds: 14 * 60 })
  assert.equal(tries(), 5)
  clock.advance(14 * minuteMs - 1000)
  assert.deepEqual(await attempt('203.0.113.7', true), { outcome: 'locked', retryAfterSeconds: 1 })
  clock.advance(1000)
  assert.deepEqual(await attempt('203.0.113.7', true), { outcome: 'tried', result: 'session' })
})

test('an address that is locked out bars no other, but all of one IPv6 /64 are one', async () => {
  const { attempt, fail } = open()
  await fail('203.0.113.7', 6)
  await fail('2001:db8:1:2::1', 6)
  assert.equal((await attempt('203.0.113.8', true)).outcome, 'tried')
  assert.equal((await attempt('2001:db8:1:2:ffff::9', true)).outcome, 'locked')
  assert.equal((await attempt('2001:db8:1:3::1', true)).outcome, 'tried')
})

test('parallel guesses get no more tries than guesses one by one', async () => {
  const { attempt, tries } = open()
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => attempt('203.0.113.7', false)))
  assert.equal(tries(), 5)
  assert.equal(outcomes.filter(({ outcome }) => outcome === 'tried').length, 5)
  assert.equal(outcomes.filter(({ outcome }) => outcome === 'locked').length, 5)
  assert.equal(outcomes.filter(({ outcome }) => outcome === 'busy').length, 30)
})

test('two replicas over one counter give five tries together', async () => {
  const counters = createMemoryCounters(createManualClock())
  const replicas = [createLoginLockout({ counters }), createLoginLockout({ counters })]
  let tries = 0
  const guess = async () => {
    tries++
    return null
  }
  await Promise.all(
    replicas.flatMap((replica) =>
      Array.from({ length: 8 }, () => replica.attempt(address('203.0.113.7'), guess)),
    ),
  )
  assert.equal(tries, 5)
})

test('a success forgets the failures of its own address and no other', async () => {
  const { attempt, fail } = open()
  await fail('203.0.113.7', 4)
  await fail('203.0.113.8', 5)
  await attempt('203.0.113.7', true)
  await fail('203.0.113.7', 4)
  assert.equal((await attempt('203.0.113.7', true)).outcome, 'tried')
  assert.equal((await attempt('203.0.113.8', true)).outcome, 'locked')
})

test('an engine that is away while a password is tried is no failure of the caller', async () => {
  const { lockout, attempt } = open()
  for (let index = 0; index < 8; index++) {
    const broken = lockout.attempt(address('203.0.113.7'), () => Promise.reject(new Error('away')))
    await assert.rejects(broken, /away/)
  }
  assert.equal((await attempt('203.0.113.7', true)).outcome, 'tried')
})

test('a crowd of addresses waits in a queue that has an end', async () => {
  const { lockout } = open()
  const held = Promise.withResolvers<null>()
  const attempts = Array.from({ length: 70 }, (_, index) =>
    lockout.attempt(address(`198.51.100.${index}`), () => held.promise),
  )
  const busy = await Promise.all(attempts.slice(64))
  assert.ok(busy.every(({ outcome }) => outcome === 'busy'))
  held.resolve(null)
  assert.ok((await Promise.all(attempts.slice(0, 64))).every(({ outcome }) => outcome === 'tried'))
})
