// Change notices between all processes on one database: LISTEN/NOTIFY on a connection of its own, with a heartbeat.
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { type Connection, type ConnectionTarget, openConnection } from './connection.ts'
import type { Notices, Queryable } from './store.ts'

const channel = 'sallyport'
const heartbeatPeriodMs = 250
const heartbeatLimitMs = 1_000
/** Cached state may be used while the last completed heartbeat began less than this ago. */
const freshMs = 1_000
const reconnectPauseMs = 200
/** PostgreSQL refuses 8,000 bytes; the rest is room for the topic. */
const payloadBytesMax = 7_000

export type OpenNotices = Notices & {
  /** Connects for the first time; throws when that fails. */
  start(): Promise<void>
  close(): void
}

/**
 * Why a heartbeat proves that earlier notices have arrived: a committing backend signals the listening one before it
 * answers COMMIT, and the listening one sends the notices that it was signalled before it answers its next query.
 */
export function createNotices(options: {
  target: ConnectionTarget
  clock: Clock
  logger: Logger
  /** The heartbeat is the one question that is always being asked: its failure is news for everybody. */
  onSilence?: (cause: unknown) => void
}): OpenNotices {
  const { target, clock, logger, onSilence } = options
  const handlers = new Map<string, Set<(payload: unknown) => void>>()
  const gapHandlers = new Set<() => void>()
  let connection: Connection | null = null
  let lastHeartbeatMs = Number.NEGATIVE_INFINITY
  let isBeating = false
  let closed = false
  let timer: Timer | null = null

  async function connect(): Promise<void> {
    const opened = await openConnection(target, clock, heartbeatLimitMs)
    try {
      opened.client.on('notification', (message) => dispatch(message.payload ?? ''))
      await opened.query(`listen ${channel}`, [], heartbeatLimitMs)
    } catch (error) {
      opened.destroy()
      throw error
    }
    if (closed) return opened.destroy()
    connection = opened
    opened.client.on('end', () => lose(opened))
  }

  function dispatch(text: string): void {
    const notice = parseNotice(text)
    if (!notice) return
    for (const handle of handlers.get(notice.topic) ?? []) {
      callSafely(() => handle(notice.payload))
    }
  }

  async function beat(): Promise<void> {
    const beating = connection
    if (!beating || isBeating) return
    isBeating = true
    const startedMs = clock.monotonicMs()
    try {
      await beating.query('select 1', [], heartbeatLimitMs)
      if (connection === beating) lastHeartbeatMs = startedMs
    } catch (error) {
      if (connection === beating && !closed) onSilence?.(error)
      lose(beating, error)
    } finally {
      isBeating = false
    }
  }

  function lose(lost: Connection, error?: unknown): void {
    lost.destroy()
    if (connection !== lost || closed) return
    connection = null
    lastHeartbeatMs = Number.NEGATIVE_INFINITY
    logger.warn('change notices are lost, cached decisions are not used', { component: 'notices', error })
    void reconnect()
  }

  async function reconnect(): Promise<void> {
    if (closed) return
    try {
      await connect()
    } catch {
      timer = clock.after(reconnectPauseMs, () => void reconnect())
      return
    }
    logger.info('change notices stand again', { component: 'notices' })
    // Listening first, dropping second: a change made in between is announced or read anew, never missed.
    for (const handle of gapHandlers) callSafely(handle)
    await beat()
  }

  function callSafely(handle: () => void): void {
    try {
      handle()
    } catch (error) {
      logger.error('a notice could not be handled', { component: 'notices', error })
    }
  }

  const heartbeat = clock.every(heartbeatPeriodMs, () => void beat())
  return {
    async start() {
      await connect()
      await beat()
    },
    publish: publishNotice,
    subscribe: (topic, handle) => {
      const subscribers = handlers.get(topic) ?? new Set()
      handlers.set(topic, subscribers.add(handle))
      return () => subscribers.delete(handle)
    },
    onGap: (handle) => {
      gapHandlers.add(handle)
      return () => gapHandlers.delete(handle)
    },
    isFresh: () => clock.monotonicMs() - lastHeartbeatMs < freshMs,
    close() {
      closed = true
      heartbeat.cancel()
      timer?.cancel()
      connection?.destroy()
    },
  }
}

export async function publishNotice(tx: Queryable, topic: string, payload: unknown): Promise<void> {
  const text = JSON.stringify({ topic, payload })
  if (Buffer.byteLength(text) > payloadBytesMax) throw new RangeError('a notice must be small')
  await tx.query('select pg_notify($1, $2)', [channel, text])
}

/** Null for a text that is not ours: any session of the database may NOTIFY. */
function parseNotice(text: string): { topic: string; payload: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('topic' in value) || !('payload' in value))
      return null
    return typeof value.topic === 'string' ? { topic: value.topic, payload: value.payload } : null
  } catch {
    return null
  }
}
