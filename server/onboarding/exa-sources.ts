// Pages on a topic, found by Exa through its own SDK with the user's key.
import { AppError } from '@sallyport/contract'
import type { Secret } from '../lib/secret.ts'
import type { FoundSource } from './blog-prompt.ts'
import { type Fetch, toUpstreamError } from './guarded-fetch.ts'

export type SourceSearch = { key: Secret; baseUrl: string; fetch: Fetch; topic: string; sourcesMax: number }

const textCharactersMax = 2000

/** Throws AppError: `provider_key_refused`, `provider_quota_exceeded`, `upstream_unreachable`, `upstream_timeout`, `upstream_protocol_error`. */
export async function findSources(search: SourceSearch): Promise<FoundSource[]> {
  const { Exa } = await import('exa-js')
  /** The SDK knows no signal and no deadline, and follows redirects with the key: its exchanges go through our fetch. */
  class GuardedExa extends Exa {
    override async request<Answer>(endpoint: string, method: string, body?: object): Promise<Answer> {
      const answer = await search.fetch(search.baseUrl + endpoint, {
        method,
        headers: { 'x-api-key': search.key.reveal(), 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      if (!answer.ok) throw toRefusal(answer)
      return (await answer.json()) as Answer
    }
  }
  const exa = new GuardedExa(search.key.reveal(), search.baseUrl)
  try {
    const { results } = await exa.search(search.topic, {
      numResults: search.sourcesMax,
      contents: { text: { maxCharacters: textCharactersMax } },
    })
    return toSources(results).slice(0, search.sourcesMax)
  } catch (error) {
    throw toUpstreamError(error, 'exa')
  }
}

/** The answer is Exa's word for it: only what is a page on the web is taken. */
function toSources(results: unknown): FoundSource[] {
  if (!Array.isArray(results)) throw new SyntaxError('no results')
  return results.flatMap((result: unknown) => {
    if (typeof result !== 'object' || result === null) return []
    const { title, url, text } = result as { title?: unknown; url?: unknown; text?: unknown }
    if (typeof url !== 'string' || url.length > 2000 || !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      return []
    const name = typeof title === 'string' && title.trim() !== '' ? title.trim().slice(0, 300) : url
    return [{ title: name, url, text: typeof text === 'string' ? text.slice(0, textCharactersMax) : '' }]
  })
}

function toRefusal({ status, headers }: Response): AppError {
  if (status === 401 || status === 403) {
    return new AppError('provider_key_refused', {
      message:
        'exa does not accept the key that you saved. With "research": false no sources are looked for.',
    })
  }
  if (status === 402 || status === 429) {
    const seconds = Number(/^\d{1,4}$/.exec(headers.get('retry-after') ?? '')?.[0] ?? 60)
    return new AppError('provider_quota_exceeded', {
      message:
        'exa refuses because the quota of your key is used up. With "research": false no sources are looked for.',
      retryAfterSeconds: Math.max(1, seconds),
    })
  }
  const code = status >= 500 ? 'upstream_unreachable' : 'upstream_protocol_error'
  return new AppError(code, { message: `exa answered ${status}.`, detail: `exa answered ${status}` })
}
