// Exa: search, the contents of found pages, and answers with sources.
import { type ProviderDefinition, plainBodyRules } from './provider.ts'

export const exa: ProviderDefinition = {
  name: 'exa',
  baseUrl: 'https://api.exa.ai',
  keySlot: { kind: 'header', name: 'x-api-key', prefix: '' },
  keySource: null,
  pricedBy: 'call',
  usage: null,
  statelessRoutes: [
    { method: 'POST', path: '/search' },
    { method: 'POST', path: '/findSimilar' },
    { method: 'POST', path: '/contents' },
    { method: 'POST', path: '/answer' },
  ],
  sharedHeaders: ['x-exa-integration'],
  sharedQuery: [],
  bodyRules: { ...plainBodyRules, isOpaque: (name) => name === 'schema' || name === 'outputschema' },
}
