// The credential of a call to a route of ours: `X-API-Key: K` or `Authorization: Bearer K`.
import type { IncomingMessage } from 'node:http'
import { AppError } from '@sallyport/contract'

/** Null when there is none. Throws AppError `conflicting_credentials` for two that differ. */
export function readCredential(request: IncomingMessage): string | null {
  const { authorization = [], 'x-api-key': apiKeys = [] } = request.headersDistinct
  const texts = new Set([...apiKeys.map((text) => text.trim()), ...authorization.map(withoutScheme)])
  texts.delete('')
  if (texts.size > 1) throw new AppError('conflicting_credentials')
  return [...texts][0] ?? null
}

/** Another scheme than Bearer is kept in the text: it is a credential, but never one of ours. */
function withoutScheme(value: string): string {
  return /^Bearer(?: +(\S*))?$/i.exec(value.trim())?.[1] ?? `no bearer: ${value}`
}
