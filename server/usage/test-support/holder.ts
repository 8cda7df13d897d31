// A process of its own for tests that kill it: opens calls, settles some of them, says so, and holds the others open.

import { systemClock as clock } from '../../lib/clock.ts'
import { Secret } from '../../lib/secret.ts'
import { silentLogger } from '../../store/test-support.ts'
import { callOf, cent, done, openMany, openRoom } from './rooms.ts'

type Order = {
  place: {
    dataDir: string
    pgDsn: string
    redisAddr: string | null
    redisPrefix: string
    pepper: string
    masterKey: string
  }
  clientId: number
  dayMicros: number
  open: number
  settle: number
}

const order: Order = JSON.parse(process.argv[2] ?? '')
const { place } = order
const room = await openRoom({
  dependencies: {
    clock,
    logger: silentLogger,
    config: {
      ...{ dataDir: place.dataDir, redisPrefix: place.redisPrefix, embedded: null },
      ...{
        pgDsn: new Secret(place.pgDsn),
        redisAddr: place.redisAddr === null ? null : new Secret(place.redisAddr),
      },
      ...{ pepper: new Secret(place.pepper), masterKey: new Secret(place.masterKey), masterKeyPrevious: [] },
      ...{ redisPassword: null, journal: { bytes_max: 64 * 1024 * 1024 } },
    },
  },
  remove: async () => undefined,
})
const call = callOf(order.clientId, { day_micros: order.dayMicros })
const { passed } = await openMany([room], call, order.open)
for (const one of passed.slice(0, order.settle)) one.settle(done)
// The others must know of what was settled: what the ledger learns from the journal comes later.
const isCounted = async () => {
  const [day] = await room.usage.budgets.describe(order.clientId, { day_micros: 1 })
  return day?.reserved_micros === (passed.length - order.settle) * cent
}
while (!(await isCounted())) await new Promise((resolve) => setTimeout(resolve, 10))
process.stdout.write(`passed ${passed.length}\n`)
setInterval(() => undefined, 1_000)
