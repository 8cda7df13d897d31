// A client's values as they stand in a form, and what of them differs from the stored ones.
import type { ClientItem, ClientPatchRequest } from '@sallyport/contract'
import { readNumber } from '../../composables/typed-text.ts'

export type ClientDraft = { name: string; email: string; requestsPerMinute: string; sharedKeys: boolean }

export function toDraft(client: ClientItem): ClientDraft {
  return {
    name: client.name,
    email: client.email ?? '',
    requestsPerMinute: String(client.settings.requests_per_minute ?? ''),
    sharedKeys: client.shared_keys,
  }
}

/** An emptied limit takes it away. */
export function changesOf(client: ClientItem, draft: ClientDraft): ClientPatchRequest {
  const stored = toDraft(client)
  const isChanged = (name: keyof ClientDraft) => String(draft[name]).trim() !== String(stored[name])
  const limit = draft.requestsPerMinute.trim() ? readNumber(draft.requestsPerMinute) : null
  const changes = {
    ...(isChanged('name') && { name: draft.name.trim() }),
    ...(isChanged('email') && { email: draft.email.trim() }),
    ...(isChanged('sharedKeys') && { shared_keys: draft.sharedKeys }),
    ...(isChanged('requestsPerMinute') && { settings: { requests_per_minute: limit } }),
  }
  return changes as ClientPatchRequest
}
