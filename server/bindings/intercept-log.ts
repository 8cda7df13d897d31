// Writes down refused calls: durable before the answer leaves, bounded under a flood, an alert once a window.
import { randomUUID } from 'node:crypto'
import type { InterceptItem, Settings } from '@sallyport/contract'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Counters, Database, Journal, Queryable } from '../store/store.ts'
import type { BindingCall } from './bindings.ts'
import type { KnownBinding } from './decision-cache.ts'
import { insertIntercepts } from './intercept-store.ts'

/** Rows of one token and address in a minute; what comes after is counted in one more row. */
const rowsPerWindow = 60
const windowMs = 60_000
/** A growing count is written this often. */
const countFlushMs = 1000
/** Tokens and addresses under flood guard at once; past that the oldest window starts over. */
const windowsMax = 50_000
const pathCharactersMax = 2048

const journalKind = 'intercept'

/** What the journal carries until PostgreSQL has it. */
type InterceptRecord = InterceptItem & { alert: { count: number; window_seconds: number } | null }
type Window = { endsMs: number; count: number; overflow: { record: InterceptRecord; written: number } | null }

export type InterceptLog = ReturnType<typeof createInterceptLog>

export function createInterceptLog(dependencies: {
  database: Database
  journal: Journal
  counters: Counters
  clock: Clock
  logger: Logger
  settings(): Pick<Settings, 'alert_threshold_count' | 'alert_threshold_seconds'>
  enqueueAlert(tx: Queryable, body: object, key: string): Promise<void>
}) {
  const { database, journal, counters, clock, logger, settings } = dependencies
  const windows = new BoundedMap<string, Window>(windowsMax)
  const growing = new Set<Window>()

  journal.drainInto(journalKind, (records) => drain(records as InterceptRecord[]))
  const timer = clock.every(countFlushMs, () => void flushCounts())

  async function drain(records: InterceptRecord[]): Promise<void> {
    const latest = new Map(records.map((record) => [record.id, record]))
    await database.transaction(async (tx) => {
      const made = new Set(await insertIntercepts(tx, [...latest.values()].map(toItem)))
      for (const record of latest.values()) {
        if (record.alert && made.has(record.id))
          await dependencies.enqueueAlert(tx, alertBody(record), record.id)
      }
    })
  }

  async function append(record: InterceptRecord): Promise<void> {
    try {
      await journal.append(journalKind, record)
    } catch (error) {
      logger.error('an intercept could not be written down', {
        request_id: record.request_id,
        component: 'journal',
        error,
      })
    }
  }

  /** Counts the call into its window; null when the window's overflow row has taken it in. */
  function takeRow(call: BindingCall): Window | null {
    const key = `${call.digest}|${call.address.text}`
    const nowMs = clock.monotonicMs()
    let window = windows.get(key)
    if (!window || window.endsMs <= nowMs) {
      window = { endsMs: nowMs + windowMs, count: 0, overflow: null }
      windows.set(key, window)
    }
    window.count++
    if (!window.overflow) return window
    window.overflow.record.count++
    growing.add(window)
    return null
  }

  async function alertFor(digest: string): Promise<InterceptRecord['alert']> {
    const { alert_threshold_count: threshold, alert_threshold_seconds: seconds } = settings()
    const { count, resetMs } = await counters.increment(`intercepts:${digest}`, seconds * 1000)
    if (count < threshold) return null
    const raised = await counters.increment(`alerted:${digest}`, Math.max(1, resetMs))
    return raised.count === 1 ? { count, window_seconds: seconds } : null
  }

  async function flushCounts(): Promise<void> {
    const grown = [...growing]
    growing.clear()
    for (const { overflow } of grown) {
      if (!overflow || overflow.written === overflow.record.count) continue
      overflow.written = overflow.record.count
      await append({ ...overflow.record })
    }
  }

  return {
    /** Resolves when the row is durable (a counted one: when it is counted). Never rejects. */
    async record(call: BindingCall, binding: KnownBinding, reason: InterceptItem['reason']): Promise<void> {
      const window = takeRow(call)
      const alert = await alertFor(call.digest).catch((error) => {
        logger.warn('an intercept was not counted for alerts', {
          request_id: call.requestId,
          component: 'bindings',
          error,
        })
        return null
      })
      if (!window && !alert) return
      const record: InterceptRecord = {
        id: randomUUID(),
        token_display: call.tokenDisplay,
        client_ip: call.address.text,
        allowed_ips: [...binding.rule.allowedIps],
        method: call.method,
        path: call.path.slice(0, pathCharactersMax),
        reason,
        alerted: alert !== null,
        created_at: new Date(clock.now()).toISOString(),
        request_id: call.requestId,
        count: 1,
        alert,
      }
      if (window && window.count > rowsPerWindow && !window.overflow) window.overflow = { record, written: 1 }
      await append(record)
    },

    async close(): Promise<void> {
      timer.cancel()
      await flushCounts()
    },
  }
}

function toItem({ alert: _, ...item }: InterceptRecord): InterceptItem {
  return item
}

function alertBody(record: InterceptRecord): object {
  return {
    event: 'intercept_threshold',
    token_display: record.token_display,
    client_ip: record.client_ip,
    allowed_ips: record.allowed_ips,
    count: record.alert?.count,
    window_seconds: record.alert?.window_seconds,
    timestamp: record.created_at,
  }
}
