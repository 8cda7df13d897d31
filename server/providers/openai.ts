// OpenAI: chat completions, responses, embeddings.
import type { ProviderDefinition } from './provider.ts'

export const openai: ProviderDefinition = {
  name: 'openai',
  baseUrl: 'https://api.openai.com',
  keySlot: { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
  keySource: null,
  pricedBy: 'token',
  usage: 'openai',
  statelessRoutes: [
    { method: 'POST', path: '/v1/chat/completions', hasStore: true },
    { method: 'POST', path: '/v1/responses', hasStore: true },
    { method: 'POST', path: '/v1/embeddings' },
    { method: 'GET', path: '/v1/models' },
    { method: 'GET', path: '/v1/models/{model}' },
  ],
  sharedHeaders: ['openai-beta'],
  sharedQuery: [],
  // A tool's `parameters` and the `schema` of an answer are JSON schemas.
  bodyRules: { storedNames: [], isOpaque: (name) => name === 'parameters' || name === 'schema' },
}
