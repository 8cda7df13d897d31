// What is remembered beside Redis is looked up again now and then, so that Redis keeps knowing the tokens in use.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { createDecisionCache, toKnown } from './decision-cache.ts'

const known = toKnown({
  id: 1,
  version: 7,
  status: 'active',
  provisional: false,
  rule: { mode: 'all', allowedIps: [] },
})

test('beside Redis a decision is looked up again after its life, and what is older is still not believed', () => {
  const clock = createManualClock()
  const cache = createDecisionCache(10, clock, 60_000)
  cache.store('d', known)
  clock.advance(60_000)
  assert.equal(cache.peek('d'), known)
  clock.advance(1)
  assert.equal(cache.peek('d'), null)
  assert.equal(cache.versionMin('d'), 7)
  cache.store('d', known)
  assert.equal(cache.peek('d'), known)
})

test('without Redis a decision stays until a change', () => {
  const clock = createManualClock()
  const cache = createDecisionCache(10, clock, null)
  cache.store('d', known)
  clock.advance(86_400_000)
  assert.equal(cache.peek('d'), known)
  cache.invalidate('d', 8)
  assert.equal(cache.peek('d'), null)
})
