// Gemini: generateContent and its stream, embeddings and the count of tokens, in both versions of the API.
import type { ProviderDefinition, StatelessRoute } from './provider.ts'

const methods = [
  'generateContent',
  'streamGenerateContent',
  'embedContent',
  'batchEmbedContents',
  'countTokens',
] as const
/** JSON schemas, and what functions of the caller were given and gave back. */
const opaqueNames = new Set([
  ...['parameters', 'parametersjsonschema', 'responseschema', 'responsejsonschema'],
  ...['args', 'response'],
])

export const gemini: ProviderDefinition = {
  name: 'gemini',
  baseUrl: 'https://generativelanguage.googleapis.com',
  keySlot: { kind: 'header', name: 'x-goog-api-key', prefix: '' },
  keySource: null,
  pricedBy: 'token',
  usage: 'gemini',
  statelessRoutes: ['/v1', '/v1beta'].flatMap((version): StatelessRoute[] => [
    ...methods.map((method) => ({
      method: 'POST' as const,
      path: `${version}/models/{model}:${method}`,
    })),
    { method: 'GET', path: `${version}/models` },
    { method: 'GET', path: `${version}/models/{model}` },
  ]),
  sharedHeaders: ['x-goog-api-client'],
  sharedQuery: ['alt', 'pageSize', 'pageToken'],
  bodyRules: {
    // Its JSON is read in camel case and with underscores alike.
    storedNames: ['filedata', 'fileuri', 'filesearch', 'filesearchstorenames'],
    isOpaque: (name) => opaqueNames.has(name),
  },
}
