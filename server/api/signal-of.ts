// A signal that tells when the client of an answer has left before its end, so that what is done for it can end as well.
import type { ServerResponse } from 'node:http'

export function signalOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  if (response.destroyed) gone.abort()
  return gone.signal
}
