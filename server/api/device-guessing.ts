// Guessing of device secrets is stopped per address, counted, and told to the operator once a window.
import { AppError, type Settings } from '@sallyport/contract'
import { Counter, type Registry } from 'prom-client'
import type { Clock } from '../lib/clock.ts'
import { type IpAddress, rangeAround } from '../lib/ip-address.ts'
import type { Logger } from '../lib/logger.ts'
import type { Notify } from '../notify/notify.ts'
import type { Counters, Database } from '../store/store.ts'
import type { WebCall } from '../web/web.ts'

const failuresMax = 5
const windowMs = 60_000

export type DeviceGuessing = {
  /**
   * Runs `authenticate` unless the address failed too often; null is a failure. Throws AppError `invalid_credential`
   * or `too_many_auth_failures`.
   */
  attempt<Known>(call: GuessingCall, authenticate: () => Promise<Known | null>): Promise<Known>
}

type GuessingCall = Pick<WebCall, 'address' | 'requestId'>

export type DeviceGuessingDependencies = {
  counters: Counters
  database: Pick<Database, 'transaction'>
  notify: Pick<Notify, 'enqueueWebhook'>
  settings(): Pick<Settings, 'alert_threshold_count' | 'alert_threshold_seconds'>
  registry: Registry
  clock: Clock
  logger: Logger
}

export function createDeviceGuessing(dependencies: DeviceGuessingDependencies): DeviceGuessing {
  const { counters, registry, logger } = dependencies
  const failures = new Counter({
    name: 'sallyport_device_auth_failures_total',
    help: 'Failed authentications of devices',
    registers: [registry],
  })
  const inLane = createLanes()
  const tell = createAlert(dependencies)

  return {
    attempt: ({ address, requestId }, authenticate) =>
      inLane(rangeOf(address), async () => {
        const key = `device-auth:${rangeOf(address)}`
        // Counted before the try, so that replicas together give hardly more tries than one; taken back when it succeeds.
        const { count, resetMs } = await counters.increment(key, windowMs)
        if (count > failuresMax) {
          throw new AppError('too_many_auth_failures', { retryAfterSeconds: Math.ceil(resetMs / 1000) })
        }
        const known = await authenticate().catch(async (error: unknown) => {
          // An engine that was away is no failure of the device.
          await counters.increment(key, windowMs, -1)
          throw error
        })
        if (known !== null) {
          await counters.increment(key, windowMs, -1)
          return known
        }
        failures.inc()
        await tell(address).catch((error: unknown) =>
          logger.warn('failed device authentications could not be told', {
            request_id: requestId,
            component: 'device',
            error,
          }),
        )
        throw new AppError('invalid_credential')
      }),
  }
}

/** Queues one webhook for an address in each window in which its failures reach the threshold. */
function createAlert(dependencies: DeviceGuessingDependencies): (address: IpAddress) => Promise<void> {
  const { counters, database, notify, settings, clock } = dependencies
  return async (address) => {
    const { alert_threshold_count: threshold, alert_threshold_seconds: seconds } = settings()
    const range = rangeOf(address)
    const { count, resetMs } = await counters.increment(`device-alert:${range}`, seconds * 1000)
    if (count < threshold) return
    const toldKey = `device-alerted:${range}`
    const told = await counters.increment(toldKey, Math.max(1, resetMs))
    if (told.count > 1) return
    const timestamp = new Date(clock.now()).toISOString()
    const body = {
      event: 'device_auth_failures',
      client_ip: address.text,
      count,
      window_seconds: seconds,
      timestamp,
    }
    try {
      await database.transaction((tx) => notify.enqueueWebhook(tx, body, `device-auth ${range} ${timestamp}`))
    } catch (error) {
      // The next failure tries again.
      await counters.reset(toldKey)
      throw error
    }
  }
}

/**
 * Attempts of one address one after another, so that parallel guesses gain nothing and devices that come back together
 * do not stand in each other's way. As many can wait as the listener admits from one address.
 */
function createLanes() {
  const tails = new Map<string, Promise<unknown>>()
  return async <Result>(lane: string, work: () => Promise<Result>): Promise<Result> => {
    const turn = (tails.get(lane) ?? Promise.resolve()).then(work)
    const tail = turn.catch(() => undefined)
    tails.set(lane, tail)
    try {
      return await turn
    } finally {
      if (tails.get(lane) === tail) tails.delete(lane)
    }
  }
}

/** What one caller commands: an IPv4 address, or the /64 of an IPv6 one. */
function rangeOf(address: IpAddress): string {
  return rangeAround(address, address.family === 4 ? 32 : 64).text
}
