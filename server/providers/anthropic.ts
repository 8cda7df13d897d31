// Anthropic: messages and the count of their tokens.
import type { ProviderDefinition } from './provider.ts'

export const anthropic: ProviderDefinition = {
  name: 'anthropic',
  baseUrl: 'https://api.anthropic.com',
  keySlot: { kind: 'header', name: 'x-api-key', prefix: '' },
  keySource: null,
  pricedBy: 'token',
  usage: 'anthropic',
  statelessRoutes: [
    { method: 'POST', path: '/v1/messages' },
    { method: 'POST', path: '/v1/messages/count_tokens' },
    { method: 'GET', path: '/v1/models' },
    { method: 'GET', path: '/v1/models/{model}' },
  ],
  sharedHeaders: ['anthropic-version', 'anthropic-beta', 'anthropic-dangerous-direct-browser-access'],
  sharedQuery: ['beta', 'limit', 'after_id', 'before_id'],
  bodyRules: {
    storedNames: [],
    // Schemas of tools and answers, and the arguments with which the model called a tool of the caller.
    isOpaque: (name, { type }) =>
      name === 'inputschema' || name === 'schema' || (name === 'input' && type === 'tool_use'),
  },
}
