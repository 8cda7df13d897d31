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
  database: Pick<Database, 'transaction'>
  journal: Pick<Journal, 'append' | 'drainInto'>
  counters: Pick<Counters, 'increment'>
  clock: Clock
  logger: Logger
  settings(): Pick<Settings, 'alert_threshold_count' | 'alert_threshold_seconds'>
  enqueueAlert(tx: Queryable, body: object, key: string): Promise<void>
}) {
  const { database, journal, counters, clock, logger, settings } = dependencies
  const windows = new BoundedMap<string, Window>(windowsMax)
  const growing = new Set<Window>()

  journal.drainInto(journalKind, (texts) => drain(texts.map((text) => JSON.parse(text) as InterceptRecord)))
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

  function windowOf(call: BindingCall): Window {
    const key = `${call.digest}|${call.address.text}`
    const nowMs = clock.monotonicMs()
    const known = windows.get(key)
    if (known && known.endsMs > nowMs) return known
    const window: Window = { endsMs: nowMs + windowMs, count: 0, overflow: null }
    windows.set(key, window)
    return window
  }

  function toRecord(
    call: BindingCall,
    binding: KnownBinding,
    reason: InterceptItem['reason'],
  ): InterceptRecord {
    return {
      id: randomUUID(),
      token_display: call.tokenDisplay,
      client_ip: call.address.text,
      allowed_ips: [...binding.rule.allowedIps],
      method: call.method,
      path: call.path.slice(0, pathCharactersMax),
      reason,
      alerted: false,
      created_at: new Date(clock.now()).toISOString(),
      request_id: call.requestId,
      count: 1,
      alert: null,
    }
  }

  /** What to tell when this call reaches the threshold. Never rejects: without the counters there is no alert. */
  async function alertFor({ digest, requestId }: BindingCall): Promise<InterceptRecord['alert']> {
    try {
      return await countForAlert(digest)
    } catch (error) {
      logger.warn('an intercept was not counted for alerts', {
        request_id: requestId,
        component: 'bindings',
        error,
      })
      return null
    }
  }

  async function countForAlert(digest: string): Promise<InterceptRecord['alert']> {
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
      // Nothing written yet: the call that is about to write the row takes the count along.
      if (!overflow || overflow.written === 0 || overflow.written === overflow.record.count) continue
      overflow.written = overflow.record.count
      await append({ ...overflow.record })
    }
  }

  return {
    /** Resolves when the row is durable (a counted one: when it is counted). Never rejects. */
    async record(call: BindingCall, binding: KnownBinding, reason: InterceptItem['reason']): Promise<void> {
      const window = windowOf(call)
      window.count++
      const { overflow } = window
      let record = overflow === null ? toRecord(call, binding, reason) : null
      // Before anything is waited for: of calls that come together only one may make the row that counts the rest.
      if (record && window.count > rowsPerWindow) window.overflow = { record, written: 0 }
      const alert = await alertFor(call)
      if (overflow && !alert) {
        overflow.record.count++
        growing.add(window)
        return
      }
      record ??= toRecord(call, binding, reason)
      record.alert = alert
      record.alerted = alert !== null
      if (window.overflow?.record === record) window.overflow.written = record.count
      await append({ ...record })
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
