// The calls in work: each one is found as long as it is in, in whatever order they leave.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Call } from './call-context.ts'
import { CallsInWork } from './calls-in-work.ts'

test('exactly the calls that have come and not left are in work', () => {
  const steps = fc.array(fc.nat({ max: 9 }))
  fc.assert(
    fc.property(steps, (numbers) => {
      const calls = Array.from({ length: 10 }, () => ({ place: -1 }) as Call)
      const callsInWork = new CallsInWork()
      const expected = new Set<Call>()
      for (const number of numbers) {
        const call = calls[number]
        assert.ok(call)
        if (expected.delete(call)) callsInWork.delete(call)
        else {
          callsInWork.add(call)
          expected.add(call)
        }
        assert.deepEqual(new Set(callsInWork.list()), expected)
        for (const each of calls) assert.equal(callsInWork.has(each), expected.has(each))
      }
    }),
  )
})
