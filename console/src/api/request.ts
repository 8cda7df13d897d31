// One call to the admin API: same origin, the session in its cookie, failures as ApiError.
import { ApiError, isAbort, readApiError } from './api-error.ts'

export type Query = Record<string, string | number | undefined>

export type RequestOptions = {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Query
  body?: unknown
  signal?: AbortSignal | undefined
  /** For what takes longer than a page should. */
  timeoutMs?: number
}

const apiRoot = '/admin/api'
/** A page that hears nothing for so long says so, rather than to load for ever. */
const timeoutMsDefault = 30_000

let whenUnauthenticated: () => void = () => undefined

/** `listener` hears of every answer that says that nobody is signed in. */
export function onUnauthenticated(listener: () => void): void {
  whenUnauthenticated = listener
}

export function urlOf(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value))
  }
  const search = parameters.toString()
  return `${apiRoot}${path}${search ? `?${search}` : ''}`
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const { method = 'GET', query, body, signal, timeoutMs = timeoutMsDefault } = options
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    return await fetch(urlOf(path, query), {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  } catch (error) {
    if (isAbort(error)) throw error
    throw new ApiError({ status: 0, code: 'network_error', message: String(error), cause: error })
  }
}

/** The answer's JSON, taken to be what the contract says: both sides come from the same checkout. */
export async function request<Answer>(path: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await send(path, options)
  if (response.status === 401) whenUnauthenticated()
  if (!response.ok) throw await readApiError(response)
  return (response.status === 204 ? undefined : await response.json()) as Answer
}
