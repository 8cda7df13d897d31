// The admin API as commands call it: signed in once, each call with a deadline, every refusal told in the gateway's words.
import { loginAnswer } from '@sallyport/contract'
import { z } from 'zod'
import { CommandFailure, exitCodes } from './failure.ts'
import { findCredential, noCredential, type Target } from './target.ts'
import type { Terminal } from './terminal.ts'

const standardDeadlineMs = 15_000
/** Longest silence within an export; its whole length has no bound. */
const exportIdleMs = 60_000

export type CallOptions = {
  query?: Readonly<Record<string, string | number | undefined>>
  body?: object
  /** Default 15,000. */
  deadlineMs?: number
}

export type AdminClient = {
  /** The answer, checked against `schema`, and the text as the gateway sent it. Throws CommandFailure. */
  call<Schema extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    schema: Schema,
    options?: CallOptions,
  ): Promise<{ value: z.output<Schema>; text: string }>
  /** The body in pieces as they arrive. */
  download(path: string, query: CallOptions['query']): AsyncIterable<Uint8Array>
}

export function createAdminClient(terminal: Terminal, target: Target): AdminClient {
  let token: Promise<string> | null = null
  const send = async (method: string, path: string, options: CallOptions, signal: AbortSignal) => {
    token ??= signIn(terminal, target)
    const headers = { authorization: `Bearer ${await token}` }
    return await request(target, { method, path, headers, signal, ...options })
  }
  return {
    async call(method, path, schema, options = {}) {
      const response = await send(method, path, options, deadline(options.deadlineMs))
      const text = await readText(response, target)
      return { value: parseAnswer(text, schema, `${method} ${path}`), text }
    },
    async *download(path, query = {}) {
      const idle = new AbortController()
      const timer = setTimeout(() => idle.abort(), exportIdleMs)
      try {
        const response = await send('GET', path, { query }, idle.signal)
        for await (const part of response.body ?? []) {
          timer.refresh()
          yield part
        }
      } catch (error) {
        throw error instanceof CommandFailure ? error : unreachable(target, error)
      } finally {
        clearTimeout(timer)
        idle.abort()
      }
    },
  }
}

async function signIn(terminal: Terminal, target: Target): Promise<string> {
  const credential = findCredential(terminal, target)
  if (credential === null) {
    // A gateway that does not run leaves no token either; that is then the thing to say.
    await request(target, { method: 'GET', path: '/health', signal: deadline() })
    throw noCredential(target)
  }
  if (credential.kind === 'token') return credential.token
  const response = await request(target, {
    method: 'POST',
    path: '/admin/api/login',
    body: { password: credential.password },
    signal: deadline(),
  })
  const answer = parseAnswer(await readText(response, target), loginAnswer, 'POST /admin/api/login')
  return answer.access_token
}

function deadline(deadlineMs = standardDeadlineMs): AbortSignal {
  return AbortSignal.timeout(deadlineMs)
}

type OutgoingRequest = CallOptions & {
  method: string
  path: string
  headers?: Record<string, string>
  signal: AbortSignal
}

/** A 2xx answer; anything else becomes a CommandFailure. */
async function request(target: Target, outgoing: OutgoingRequest): Promise<Response> {
  const url = new URL(target.url + outgoing.path)
  for (const [name, value] of Object.entries(outgoing.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  const headers: Record<string, string> = { accept: 'application/json', ...outgoing.headers }
  if (outgoing.body) headers['content-type'] = 'application/json'
  const init: RequestInit = { method: outgoing.method, headers, signal: outgoing.signal }
  if (outgoing.body) init.body = JSON.stringify(outgoing.body)
  // A redirect is never followed: it would carry the credential to another place.
  const response = await fetch(url, { ...init, redirect: 'manual' }).catch((error: unknown) => {
    throw unreachable(target, error)
  })
  if (response.ok) return response
  throw refusal(target, response, await readText(response, target))
}

async function readText(response: Response, target: Target): Promise<string> {
  return await response.text().catch((error: unknown) => {
    throw unreachable(target, error)
  })
}

function parseAnswer<Schema extends z.ZodType>(text: string, schema: Schema, what: string): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new CommandFailure(
    `the answer to ${what} has a shape that this version does not know. Use the command line of the gateway's own version`,
    exitCodes.failure,
    { cause: parsed.error },
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreachable(target: Target, error: unknown): CommandFailure {
  const timedOut = error instanceof Error && /^(Timeout|Abort)Error$/.test(error.name)
  const reason = timedOut ? 'no answer in time' : reasonOf(error)
  return new CommandFailure(
    `no gateway answers at ${target.url} (${reason}). Start it with 'sallyport start', or name another one with --url`,
    exitCodes.unavailable,
    { cause: error },
  )
}

/** fetch hides why it failed in the cause of its error. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}

const errorBodySchema = z.object({
  error: z.object({
    message: z.string(),
    code: z.string(),
    request_id: z.string(),
    details: z.array(z.string()).optional(),
  }),
})

function refusal(target: Target, response: Response, text: string): CommandFailure {
  const parsed = errorBodySchema.safeParse(parseJson(text))
  if (!parsed.success) {
    return new CommandFailure(
      `${target.url} answered ${response.status}, but not as a Sallyport gateway does. Check --url`,
      exitCodes.unavailable,
    )
  }
  const { message, code, request_id: requestId, details = [] } = parsed.data.error
  const retryAfter = response.headers.get('retry-after')
  const wait = retryAfter ? ` Try again in ${retryAfter} s.` : ''
  const lines = [
    `${message}${wait} (${code}, request ${requestId})`,
    ...details.filter((line) => line !== message).map((line) => `  ${line}`),
  ]
  if (response.status === 401) lines.push(`  ${target.remedyWhenRefused}`)
  return new CommandFailure(lines.join('\n'), exitCodeOf(response.status, code))
}

function exitCodeOf(status: number, code: string): number {
  if (status === 401 || status === 403 || code === 'too_many_login_attempts') return exitCodes.refused
  return status >= 500 ? exitCodes.unavailable : exitCodes.failure
}
