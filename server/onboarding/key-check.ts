// Asks a provider whether it takes a key: its cheapest call that needs one, at the configured address, within a deadline.
import { AppError, type OnboardingProvider } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import { guardedFetch, toUpstreamError } from './guarded-fetch.ts'

/** Where a provider is, and where its key goes. */
export type ProviderPlace = {
  baseUrl: string
  keySlot: { kind: 'header'; name: string; prefix: string } | { kind: 'query'; name: string }
}

export type KeyVerdict = { valid: boolean; message: string }

/**
 * `valid: false` only when the provider itself said so. Throws AppError `upstream_unreachable`, `upstream_timeout` or
 * `upstream_protocol_error` where that can't be told.
 */
export type CheckKey = (provider: OnboardingProvider, key: Secret, signal: AbortSignal) => Promise<KeyVerdict>

type Question = { method: 'GET' | 'POST'; path: string; body?: object }

const deadlineMs = 15_000
const answerBytesMax = 1024 * 1024

const questions: Readonly<Record<OnboardingProvider, Question>> = {
  gemini: { method: 'GET', path: '/v1beta/models?pageSize=1' },
  // Exa has no call that costs nothing: a search for one page without its text is the least.
  exa: { method: 'POST', path: '/search', body: { query: 'hello', numResults: 1 } },
  copilotkit: {
    method: 'POST',
    path: '/copilotkit/v1',
    body: {
      operationName: 'availableAgents',
      query: 'query availableAgents { availableAgents { agents { id } } }',
      variables: {},
    },
  },
}

export function createCheckKey(dependencies: {
  findProvider(name: OnboardingProvider): ProviderPlace | null
  clock: Clock
}): CheckKey {
  const { findProvider, clock } = dependencies
  return async (provider, key, signal) => {
    const place = findProvider(provider)
    if (!place) throw new AppError('unknown_provider')
    const { method, path, body } = questions[provider]
    const url = new URL(place.baseUrl + path)
    const headers: Record<string, string> = { accept: 'application/json' }
    if (body) headers['content-type'] = 'application/json'
    if (place.keySlot.kind === 'query') url.searchParams.set(place.keySlot.name, key.reveal())
    else headers[place.keySlot.name] = place.keySlot.prefix + key.reveal()
    const fetchIt = guardedFetch({ clock, deadlineMs, answerBytesMax, signal })
    try {
      const answer = await fetchIt(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
      return judge(provider, answer.status, await answer.text())
    } catch (error) {
      throw toUpstreamError(error, provider)
    }
  }
}

function judge(provider: OnboardingProvider, status: number, text: string): KeyVerdict {
  if (status === 401 || status === 403 || saysBadKey(text)) {
    return { valid: false, message: `${provider} does not accept this key.` }
  }
  if (status === 402)
    return { valid: true, message: `${provider} accepts this key, but its credit is used up.` }
  if (status === 429)
    return { valid: true, message: `${provider} accepts this key, but its quota is used up.` }
  if (status >= 200 && status < 300) return { valid: true, message: `${provider} accepts this key.` }
  throw new AppError('upstream_protocol_error', {
    message: `${provider} gave an answer that does not say whether the key is good.`,
    detail: `${provider} answered ${status} when asked about a key`,
  })
}

/** Gemini answers 400 for a bad key, CopilotKit 200 with a GraphQL error. Only the words count, never shown to anyone. */
function saysBadKey(text: string): boolean {
  return /API_KEY_INVALID|API key not valid|INVALID_API_KEY|"UNAUTHENTICATED"|AUTHENTICATION_ERROR|Invalid (public )?API key/i.test(
    text,
  )
}
