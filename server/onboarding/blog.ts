// Blog posts on the user's own keys: sources from Exa, the text from Gemini, told as it comes into being.
import { AppError, type BlogRequest, type BlogSource, type OnboardingProvider } from '@sallyport/contract'
import { z } from 'zod'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import { answerSchema, describeTask, type FoundSource, instruction, outputTokensMax } from './blog-prompt.ts'
import { findSources } from './exa-sources.ts'
import { type ModelTokens, writeByGemini } from './gemini-writer.ts'
import { type Fetch, guardedFetch } from './guarded-fetch.ts'
import { createJsonTextStream, type TextPiece } from './json-text-stream.ts'
import type { ProviderPlace } from './key-check.ts'

export type BlogPost = { title: string; content: string; sources: BlogSource[] }

export type BlogOrder = {
  clientId: number
  /** Of exactly the user who asks. */
  keys: ReadonlyMap<OnboardingProvider, Secret>
  request: BlogRequest
  /** Ends every exchange when the user is gone. */
  signal: AbortSignal
  /** Told when there are sources, and when the model has begun to answer; awaited, so that a slow reader slows the model. */
  onSources?(sources: readonly BlogSource[]): Promise<void>
  onText?(piece: TextPiece): Promise<void>
  onTokens(tokens: ModelTokens): void
}

export type Blog = {
  /** The model that writes. */
  readonly model: string
  /** The size of the answer at most, in the model's tokens. */
  outputTokensMax(request: BlogRequest): number
  /**
   * Throws AppError `provider_key_missing`, `too_many_requests`, and what the providers' refusals are: `provider_key_refused`,
   * `provider_quota_exceeded`, `generation_failed`, `upstream_…`.
   */
  write(order: BlogOrder): Promise<BlogPost>
}

export type BlogDependencies = {
  config: Pick<Config, 'blog'>
  findProvider(name: OnboardingProvider): ProviderPlace | null
  clock: Clock
}

const answerBytesMax = 16 * 1024 * 1024
const textCharactersMax = 1_000_000
const post = z.object({ title: z.string().min(1), content: z.string().min(1) })

export function createBlog({ config, findProvider, clock }: BlogDependencies): Blog {
  const limits = config.blog
  const inWork = createPlaces(limits.concurrent_max, limits.concurrent_per_client_max)

  const baseUrlOf = (provider: OnboardingProvider) => {
    const place = findProvider(provider)
    if (!place) throw new AppError('unknown_provider')
    return place.baseUrl
  }

  async function search({ keys, request }: BlogOrder, fetchIt: Fetch): Promise<FoundSource[]> {
    const key = keys.get('exa')
    if (!key || !request.research) return []
    const { topic } = request
    return findSources({
      key,
      baseUrl: baseUrlOf('exa'),
      fetch: fetchIt,
      topic,
      sourcesMax: limits.sources_max,
    })
  }

  async function write(order: BlogOrder): Promise<BlogPost> {
    const { keys, request, signal } = order
    const key = keys.get('gemini')
    if (!key) throw new AppError('provider_key_missing')
    const endsMs = clock.monotonicMs() + limits.deadline_ms
    const fetchIt: Fetch = (input, init) => {
      const deadlineMs = Math.max(1, endsMs - clock.monotonicMs())
      return guardedFetch({ clock, deadlineMs, answerBytesMax, signal })(input, init)
    }
    const found = await search(order, fetchIt)
    const sources = found.map(({ title, url }) => ({ title, url }))
    const pieces = writeByGemini({
      ...{ key, fetch: fetchIt, instruction, baseUrl: baseUrlOf('gemini'), model: limits.model },
      ...{ task: describeTask(request, found), schema: answerSchema, onTokens: order.onTokens },
      outputTokensMax: outputTokensMax(request),
    })
    const readTexts = createJsonTextStream(['title', 'content'])
    let json = ''
    for await (const piece of pieces) {
      if (json === '') await order.onSources?.(sources)
      json += piece
      if (json.length > textCharactersMax) throw unusable()
      for (const text of readTexts(piece)) await order.onText?.(text)
    }
    return { ...parsePost(json), sources }
  }

  return {
    model: limits.model,
    outputTokensMax,
    async write(order) {
      const leave = inWork.enter(order.clientId)
      try {
        return await write(order)
      } finally {
        leave()
      }
    },
  }
}

function unusable(): AppError {
  return new AppError('generation_failed', {
    message: 'The answer of gemini was not in the form that was asked for.',
  })
}

function parsePost(json: string): { title: string; content: string } {
  try {
    return post.parse(JSON.parse(json))
  } catch {
    throw unusable()
  }
}

/** An entry lives as long as a text of its client, so the limit of the process bounds the map. */
function createPlaces(placesMax: number, perClientMax: number) {
  let taken = 0
  const byClient = new Map<number, number>()
  return {
    /** Answers the way out. */
    enter(clientId: number): () => void {
      const own = byClient.get(clientId) ?? 0
      if (taken >= placesMax) throw new AppError('overloaded', { retryAfterSeconds: 5 })
      if (own >= perClientMax) {
        throw new AppError('too_many_requests', {
          message: `Only ${perClientMax} texts at once are written for you. Wait for one to end.`,
          retryAfterSeconds: 5,
        })
      }
      taken += 1
      byClient.set(clientId, own + 1)
      return () => {
        taken -= 1
        const left = (byClient.get(clientId) ?? 1) - 1
        if (left > 0) byClient.set(clientId, left)
        else byClient.delete(clientId)
      }
    },
  }
}
