// A new API key as it stands in a form, and as the server takes it.
import type { KeyBinding, KeyCreateRequest } from '@sallyport/contract'
import { dayEnd } from '../../composables/day-range.ts'
import { readEntries, readNumber } from '../../composables/typed-text.ts'

export type KeyDraft = {
  name: string
  /** Last day on which it works, where the operator is. */
  lastDay: string
  scopes: string[]
  /** One a line. */
  models: string
  requestsPerMinute: string
}

/** Names of the fields as the server calls them in its errors. */
export const keyFields = [
  'name',
  'expires_at',
  'scopes',
  'models',
  'requests_per_minute',
  'binding',
  'mode',
  'allowed_ips',
] as const

/** Scopes that are there whatever providers are configured. */
export const fixedScopes = ['video', 'alert', 'usage', 'proxy'] as const

export function emptyKeyDraft(): KeyDraft {
  return { name: '', lastDay: '', scopes: [], models: '', requestsPerMinute: '' }
}

/** What was left empty is left out: the key is then not limited by it. */
export function keyRequestOf(draft: KeyDraft, binding: KeyBinding): KeyCreateRequest {
  const name = draft.name.trim()
  const expiresAt = dayEnd(draft.lastDay)
  const models = readEntries(draft.models)
  const limit = draft.requestsPerMinute.trim()
  const request = {
    ...(name && { name }),
    ...(expiresAt && { expires_at: expiresAt }),
    ...(draft.scopes.length > 0 && { scopes: [...draft.scopes] }),
    ...(models && { models }),
    ...(limit && { requests_per_minute: readNumber(limit) }),
    binding,
  }
  return request as KeyCreateRequest
}
