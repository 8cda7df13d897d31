// A usage event as the journal carries it: within its room on disk, and nothing in it that PostgreSQL would refuse.
import { type UsageEvent, usageTextCharactersMax } from '@sallyport/contract'

/** Longest line of the journal: every character of the texts below may take six bytes of JSON. */
export const eventBytesMax = 4096

const wordCharactersMax = 64
const int32Max = 2 ** 31 - 1

export function toRecord(event: UsageEvent): UsageEvent {
  return {
    ...event,
    request_id: cut(event.request_id, wordCharactersMax),
    credential: cut(event.credential, wordCharactersMax),
    endpoint: cut(event.endpoint, usageTextCharactersMax.endpoint),
    provider: event.provider && cut(event.provider, wordCharactersMax),
    model: event.model && cut(event.model, usageTextCharactersMax.model),
    method: cut(event.method, 16),
    status: Math.min(999, count(event.status)),
    duration_ms: Math.min(int32Max, count(event.duration_ms)),
    bytes_in: count(event.bytes_in),
    bytes_out: count(event.bytes_out),
    tokens_in: countOrNull(event.tokens_in),
    tokens_out: countOrNull(event.tokens_out),
    tokens_cached: countOrNull(event.tokens_cached),
    unit_price_micros: countOrNull(event.unit_price_micros),
    cost_micros: count(event.cost_micros),
    provider_cost_micros: countOrNull(event.provider_cost_micros),
  }
}

/** Without NUL, which no text of PostgreSQL can hold, and without half a character at the end. */
function cut(text: string, charactersMax: number): string {
  const short = text.length > charactersMax ? text.slice(0, charactersMax) : text
  return short.includes('\0') || !short.isWellFormed()
    ? short.replaceAll('\0', '\ufffd').toWellFormed()
    : short
}

/** What is no count was never counted. */
function count(value: number): number {
  const whole = Math.round(value)
  return whole > 0 && Number.isSafeInteger(whole) ? whole : 0
}

function countOrNull(value: number | null): number | null {
  return value === null ? null : count(value)
}
