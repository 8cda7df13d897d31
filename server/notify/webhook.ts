// Delivers one webhook: signed, without redirects, within a deadline, and never to a cloud's metadata service.
import { createHmac } from 'node:crypto'
import { Agent, request } from 'undici'
import { assertAllowedHost, checkedLookup } from '../lib/checked-lookup.ts'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'

const deadlineMs = 10_000
const answerBytesMax = 64 * 1024

export type WebhookSender = {
  /** Throws when the receiver does not answer 2xx within 10 s. */
  send(url: string, delivery: { deliveryId: string; body: string }): Promise<void>
  close(): Promise<void>
}

export function createWebhookSender(dependencies: { secret: Secret | null; clock: Clock }): WebhookSender {
  const { secret, clock } = dependencies
  const agent = new Agent({
    connect: { lookup: checkedLookup, timeout: deadlineMs },
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
    maxResponseSize: answerBytesMax,
  })
  return {
    async send(url, { deliveryId, body }) {
      assertAllowedHost(url)
      const signal = new AbortController()
      const timer = clock.after(deadlineMs, () =>
        signal.abort(new Error(`no answer within ${deadlineMs} ms`)),
      )
      try {
        const answer = await request(url, {
          method: 'POST',
          dispatcher: agent,
          signal: signal.signal,
          headers: {
            'content-type': 'application/json',
            'user-agent': 'sallyport-webhook',
            'x-sallyport-delivery': deliveryId,
            ...(secret ? { 'x-sallyport-signature': `sha256=${sign(secret, body)}` } : {}),
          },
          body,
        })
        await answer.body.dump()
        if (answer.statusCode < 200 || answer.statusCode > 299)
          throw new Error(`the receiver answered ${answer.statusCode}`)
      } finally {
        timer.cancel()
      }
    },
    close: () => agent.close(),
  }
}

/** Hex HMAC-SHA256 of the exact body, as `X-Sallyport-Signature: sha256=<hex>` carries it. */
function sign(secret: Secret, body: string): string {
  return createHmac('sha256', secret.reveal()).update(body).digest('hex')
}
