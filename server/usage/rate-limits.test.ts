// Requests per minute: counted for each credential and client, open again after the minute, and told in headers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { createMemoryCounters } from '../store/memory-counters.ts'
import { createRateLimits } from './rate-limits.ts'

const caller = { clientId: 1, credential: 'api_key:7', requestsPerMinute: 2, clientRequestsPerMinute: null }

function start() {
  const clock = createManualClock()
  return { clock, take: createRateLimits(createMemoryCounters(clock)) }
}

test('without a limit nothing is counted and nothing is waited for', () => {
  assert.equal(start().take({ ...caller, requestsPerMinute: null }), null)
})

test('the limit is reached by the call after the last one, and the next minute is open again', async () => {
  const { clock, take } = start()
  const first = await take(caller)
  assert.deepEqual(first, {
    retryAfterSeconds: null,
    headers: { 'RateLimit-Policy': '"credential";q=2;w=60', RateLimit: '"credential";r=1;t=60' },
  })
  clock.advance(20_000)
  assert.equal((await take(caller))?.retryAfterSeconds, null)
  const refused = await take(caller)
  assert.deepEqual([refused?.retryAfterSeconds, refused?.headers.RateLimit], [40, '"credential";r=0;t=40'])
  clock.advance(40_000)
  assert.equal((await take(caller))?.retryAfterSeconds, null)
})

test('credentials count for themselves, and all of a client count together', async () => {
  const { take } = start()
  const limited = { ...caller, requestsPerMinute: 100, clientRequestsPerMinute: 3 }
  for (const credential of ['api_key:1', 'api_key:2', 'device:1']) {
    assert.equal((await take({ ...limited, credential }))?.retryAfterSeconds, null)
  }
  const refused = await take({ ...limited, credential: 'api_key:3' })
  assert.equal(refused?.retryAfterSeconds, 60)
  assert.match(refused?.headers.RateLimit ?? '', /"credential";r=99;t=60, "client";r=0;t=60/)
  assert.equal((await take({ ...limited, clientId: 2 }))?.retryAfterSeconds, null)
})

test('a credential over its own limit uses up nothing of its client’s', async () => {
  const { take } = start()
  const limited = { ...caller, requestsPerMinute: 1, clientRequestsPerMinute: 2 }
  for (let call = 0; call < 10; call++) await take(limited)
  assert.equal((await take({ ...limited, credential: 'api_key:8' }))?.retryAfterSeconds, null)
})
