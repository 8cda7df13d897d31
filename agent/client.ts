// The gateway as a client sees it: its own keys and provider keys. Calls of providers go through their own SDKs.
import { call, toBaseUrl } from './request.ts'
import type { ApiKeyPage, HealthAnswer, ProviderKeyInfo } from './wire.ts'

export type ClientOptions = {
  /** Address of the gateway, such as `https://gateway.example.com`. */
  url: string
  /** API key, `sp_…`. */
  apiKey: string
}

export type SallyportClient = ReturnType<typeof createClient>

/** Every method throws SallyportError and SallyportUnreachableError. */
export function createClient({ url, apiKey }: ClientOptions) {
  const baseUrl = toBaseUrl(url)
  const ask = <Answer>(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
    call<Answer>(baseUrl, { method, path, token: apiKey, body })
  return {
    /** Base URL for the SDK of a provider, for example `new OpenAI({ baseURL: client.providerUrl('openai', '/v1'), apiKey })`. */
    providerUrl: (provider: string, path = ''): string =>
      new URL(`./proxy/${encodeURIComponent(provider)}${path}`, baseUrl).href,
    health: () => ask<HealthAnswer>('GET', '/api/health'),
    keys: (clientId: number) => ask<ApiKeyPage>('GET', `/api/clients/${clientId}/keys`),
    providerKeys: async () => (await ask<{ items: ProviderKeyInfo[] }>('GET', '/api/provider-keys')).items,
    /** Saves a provider key of the client's own; it can be replaced, never read again. */
    setProviderKey: (provider: string, providerKey: string) =>
      ask<ProviderKeyInfo>('PUT', `/api/provider-keys/${encodeURIComponent(provider)}`, {
        api_key: providerKey,
      }),
    removeProviderKey: (provider: string) =>
      ask<undefined>('DELETE', `/api/provider-keys/${encodeURIComponent(provider)}`),
  }
}
