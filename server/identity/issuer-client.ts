// Asks the issuer of user tokens for its public keys: within a deadline and a size, without redirects, never a metadata service.
import type { JSONWebKeySet } from 'jose'
import { Agent, request } from 'undici'
import { z } from 'zod'
import { assertAllowedHost, checkedLookup } from '../lib/checked-lookup.ts'
import type { Clock } from '../lib/clock.ts'

/** For discovery and keys together. */
const deadlineMs = 5000
const answerBytesMax = 512 * 1024
const keysMax = 100

const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(keysMax) })
const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

export type IssuerClient = {
  /** Throws when the issuer does not answer well within 5 s. */
  fetchKeys(): Promise<JSONWebKeySet>
  close(): Promise<void>
}

export function createIssuerClient(dependencies: {
  issuer: string
  /** Null: the discovery document of the issuer tells. */
  jwksUrl: string | null
  clock: Clock
}): IssuerClient {
  const { issuer, jwksUrl, clock } = dependencies
  const agent = new Agent({
    connect: { lookup: checkedLookup, timeout: deadlineMs },
    headersTimeout: deadlineMs,
    bodyTimeout: deadlineMs,
    maxResponseSize: answerBytesMax,
  })
  let discoveredUrl: string | null = null

  async function fetchJson<Value>(
    url: string,
    schema: z.ZodType<Value>,
    signal: AbortSignal,
  ): Promise<Value> {
    assertAllowedHost(url)
    const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
    const answer = await request(url, { dispatcher: agent, signal, headers })
    if (answer.statusCode !== 200) {
      await answer.body.dump()
      throw new Error(`${url} answered ${answer.statusCode}`)
    }
    const parsed = schema.safeParse(await answer.body.json())
    if (!parsed.success) throw new Error(`${url} is not what OpenID Connect asks for`)
    return parsed.data
  }

  async function discover(signal: AbortSignal): Promise<string> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const found = await fetchJson(url, discovery, signal)
    if (found.issuer !== issuer) {
      throw new Error(`${url} is of the issuer "${found.issuer}", and OIDC_ISSUER says "${issuer}"`)
    }
    if (issuer.startsWith('https:') && !found.jwks_uri.startsWith('https:')) {
      throw new Error(`${url} names keys that are not behind https`)
    }
    return found.jwks_uri
  }

  return {
    async fetchKeys() {
      const abort = new AbortController()
      const timer = clock.after(deadlineMs, () =>
        abort.abort(new Error(`the issuer did not answer within ${deadlineMs} ms`)),
      )
      try {
        discoveredUrl = jwksUrl ?? discoveredUrl ?? (await discover(abort.signal))
        return await fetchJson(discoveredUrl, keySet, abort.signal)
      } catch (error) {
        // The keys may have moved: the next attempt asks again where they are.
        discoveredUrl = null
        throw error
      } finally {
        timer.cancel()
      }
    },
    close: () => agent.destroy(),
  }
}
