// A flood of refusals: how many rows it makes, whatever comes together and however slow the counters are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InterceptItem } from '@sallyport/contract'
import { createManualClock } from '../lib/clock.ts'
import { parseIpAddress } from '../lib/ip-address.ts'
import { silentLogger } from '../store/test-support.ts'
import { toKnown } from './decision-cache.ts'
import { createInterceptLog } from './intercept-log.ts'

const address = parseIpAddress('198.51.100.9')
const known = toKnown({
  id: 1,
  version: 1,
  status: 'active',
  provisional: false,
  rule: { mode: 'single', allowedIps: ['203.0.113.7'] },
})

function openLog(threshold: number) {
  const rows = new Map<string, InterceptItem>()
  const counts = new Map<string, number>()
  const log = createInterceptLog({
    database: { transaction: () => assert.fail('nothing is drained here') },
    journal: {
      append: async (_kind, record) => void rows.set((record as InterceptItem).id, record as InterceptItem),
      drainInto: () => undefined,
    },
    counters: {
      async increment(key) {
        // As long as another engine takes to answer: all calls of a burst are counted before the first goes on.
        await new Promise((resolve) => setImmediate(resolve))
        const count = (counts.get(key) ?? 0) + 1
        counts.set(key, count)
        return { count, resetMs: 60_000 }
      },
    },
    clock: createManualClock(),
    logger: silentLogger,
    settings: () => ({ alert_threshold_count: threshold, alert_threshold_seconds: 300 }),
    enqueueAlert: async () => undefined,
  })
  return { log, rows: () => [...rows.values()] }
}

for (const threshold of [5, 61, 150]) {
  test(`200 refusals at once make 61 rows that stand for all of them, with an alert at ${threshold}`, async () => {
    const { log, rows } = openLog(threshold)
    assert.ok(address)
    const call = { digest: 'd', tokenDisplay: 'sk-...', address, method: 'GET', path: '/', requestId: 'r' }
    await Promise.all(Array.from({ length: 200 }, () => log.record(call, known, 'ip_not_allowed')))
    await log.close()
    const all = rows()
    // An alert past the sixtieth row has a row of its own, which tells what raised it.
    assert.equal(all.length, threshold > 61 ? 62 : 61)
    assert.equal(
      all.reduce((sum, row) => sum + row.count, 0),
      200,
    )
    assert.equal(all.filter((row) => row.alerted).length, 1)
  })
}
