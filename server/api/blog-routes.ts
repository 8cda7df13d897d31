// /api/blog/generate: a text on the user's own keys, as one JSON answer or as events while it is written; metered once.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError, type BlogAnswer, type BlogRequest, blogAnswer, blogRequest } from '@sallyport/contract'
import type { BlogOrder, ModelTokens, Onboarding } from '../onboarding/onboarding.ts'
import type { Meter, MeteredCall, MeteredTarget } from '../usage/usage.ts'
import { answers, callOf, type WebApi } from '../web/web.ts'
import { callerSecurity } from './authenticate.ts'
import { openEventStream } from './event-stream.ts'
import { openMetered, statusOf } from './metered.ts'
import { userOf } from './onboarding-routes.ts'
import { signalOf } from './signal-of.ts'

export type BlogRouteDependencies = {
  onboarding: Pick<Onboarding, 'blog' | 'keys'>
  meter: Meter
}

/** One text that is being written, with what its usage event will say. */
type Writing = {
  order: BlogOrder
  metered: MeteredCall
  bytesIn: number
  /** As the model reported them last; null before. */
  tokens(): ModelTokens | null
  toAnswer(post: Awaited<ReturnType<Onboarding['blog']['write']>>): BlogAnswer
}

const path = '/api/blog/generate'
const keyMissing = 'You have saved no key of gemini. Save one: POST /api/onboarding/api-keys.'

/** Behind the authentication. */
export function addBlogRoutes(api: WebApi, dependencies: BlogRouteDependencies): void {
  const { blog } = dependencies.onboarding
  const schema = {
    ...{ tags: ['blog'], security: callerSecurity.user },
    summary:
      'Write a blog post on your own keys. With "Accept: text/event-stream" as events: sources, title, content…, done, or error',
    body: blogRequest,
    response: answers(blogAnswer),
  }
  api.post(path, { schema }, async ({ raw, body }, reply) => {
    const writing = await begin(raw, reply.raw, body)
    if (wantsEvents(raw)) {
      reply.hijack()
      await answerWithEvents(raw, reply.raw, writing)
      return reply
    }
    return answerWhole(writing)
  })

  async function begin(
    raw: IncomingMessage,
    response: ServerResponse,
    request: BlogRequest,
  ): Promise<Writing> {
    const signal = signalOf(response)
    const user = userOf(raw)
    const keys = await dependencies.onboarding.keys.userApiKeys(user)
    if (!keys.has('gemini')) throw new AppError('provider_key_missing', { message: keyMissing })
    const metered = await openMetered(dependencies.meter, raw, targetOf(request, blog))
    let tokens: ModelTokens | null = null
    const onTokens = (reported: ModelTokens) => {
      tokens = reported
    }
    return {
      order: { clientId: user.clientId, keys, request, signal, onTokens },
      metered,
      bytesIn: bytesOf(request),
      tokens: () => tokens,
      toAnswer: ({ title, content, sources }) => {
        const usage = { tokens_in: tokens?.tokensIn ?? 0, tokens_out: tokens?.tokensOut ?? 0 }
        return { title, content, sources, usage, user_id: user.userId }
      },
    }
  }

  async function answerWhole(writing: Writing): Promise<BlogAnswer> {
    try {
      const answer = writing.toAnswer(await blog.write(writing.order))
      settle(writing, { status: 200, bytesOut: bytesOf(answer), isAborted: false })
      return answer
    } catch (error) {
      settle(writing, { status: statusOf(error), bytesOut: 0, isAborted: writing.order.signal.aborted })
      throw error
    }
  }

  /** Before the first word of the model a failure is an ordinary error answer; after it, an event. */
  async function answerWithEvents(
    raw: IncomingMessage,
    response: ServerResponse,
    writing: Writing,
  ): Promise<void> {
    const events = openEventStream(response)
    try {
      const post = await blog.write({
        ...writing.order,
        onSources: (sources) => events.send('sources', { sources }),
        onText: ({ name, text }) => events.send(name, { text }),
      })
      const answer = writing.toAnswer(post)
      settle(writing, { status: 200, bytesOut: events.bytes() + bytesOf(answer), isAborted: false })
      await events.send('done', answer)
      events.end()
    } catch (error) {
      const isAborted = writing.order.signal.aborted || events.hasBegun()
      const status = events.hasBegun() ? 200 : statusOf(error)
      settle(writing, { status, bytesOut: events.bytes(), isAborted })
      events.fail(error, callOf(raw))
    }
  }
}

/** One event for the text. The search for its sources is part of it: Exa takes its price from the user's own account. */
function targetOf(request: BlogRequest, blog: Onboarding['blog']): MeteredTarget {
  return {
    ...{ kind: 'provider', endpoint: path, provider: 'gemini', pricedBy: 'token', isOwnKey: true },
    model: blog.model,
    ceiling: { inputBytes: bytesOf(request), outputTokens: blog.outputTokensMax(request), choices: 1 },
  }
}

function settle(
  { metered, bytesIn, tokens }: Writing,
  { status, bytesOut, isAborted }: { status: number; bytesOut: number; isAborted: boolean },
): void {
  const flags = isAborted ? (['aborted'] as const) : []
  metered.settle({ status, bytesIn, bytesOut, tokens: tokens(), flags })
}

function wantsEvents({ headers }: IncomingMessage): boolean {
  return /(^|[,\s])text\/event-stream\b/i.test(headers.accept ?? '')
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value))
}
