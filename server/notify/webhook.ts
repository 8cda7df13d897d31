// Delivers one webhook: signed, without redirects, within a deadline, and never to a cloud's metadata service.
import { createHmac } from 'node:crypto'
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { createRangeMatcher, parseIpAddress, parseIpRange } from '../lib/ip-address.ts'
import type { Secret } from '../lib/secret.ts'

const deadlineMs = 10_000
const answerBytesMax = 64 * 1024

/** Link-local networks hold metadata services, which answer with the machine's own credentials; no webhook lives there. */
const isForbidden = createRangeMatcher(
  ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254', '0.0.0.0/8'].flatMap((text) => parseIpRange(text) ?? []),
)

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
      const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
      // An address given as such is connected to without a look-up, so it is checked here.
      if (isIP(host) !== 0) assertAllowed(host)
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

/** Resolves and checks in one step, so that the address that was checked is the one connected to. */
const checkedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0)
    try {
      for (const { address } of addresses) assertAllowed(address)
    } catch (refusal) {
      return callback(refusal instanceof Error ? refusal : new Error(String(refusal)), '', 0)
    }
    const [first] = addresses
    if (options.all) return callback(null, addresses)
    callback(null, first?.address ?? '', first?.family ?? 0)
  })
}

function assertAllowed(text: string): void {
  const address = parseIpAddress(text)
  if (!address || isForbidden(address)) throw new Error(`webhooks may not be sent to ${text}`)
}
