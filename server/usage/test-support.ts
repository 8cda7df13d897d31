// For tests: usage events, as a meter would make them.
import { randomUUID } from 'node:crypto'
import type { UsageEvent } from '@sallyport/contract'
import { createUuidV7 } from '../lib/uuid-v7.ts'
import type { Queryable } from '../store/store.ts'
import { insertEvents } from './event-rows.ts'

/** Straight into the ledger, without a journal. */
export function addEvents(tx: Queryable, events: readonly UsageEvent[]): Promise<number> {
  return insertEvents(
    tx,
    events.map((event) => JSON.stringify(event)),
  )
}

export function usageEventOf(clientId: number, changes: Partial<UsageEvent> = {}): UsageEvent {
  const now = Date.now()
  return {
    id: createUuidV7(now),
    request_id: randomUUID(),
    created_at: new Date(now).toISOString(),
    client_id: clientId,
    credential: 'api_key:1',
    endpoint: '/api/alert',
    provider: null,
    model: null,
    method: 'POST',
    status: 202,
    duration_ms: 12,
    bytes_in: 100,
    bytes_out: 50,
    tokens_in: null,
    tokens_out: null,
    tokens_cached: null,
    unit_price_micros: 100_000,
    cost_micros: 100_000,
    provider_cost_micros: null,
    flags: [],
    ...changes,
  }
}
