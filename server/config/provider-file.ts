// Providers in the configuration file: changes to the built-in ones, and whole descriptions of others.
import { z } from 'zod'
import { builtInProviders, providerBaseUrl } from './provider-environment.ts'

const headerName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'must be a header name such as x-api-key')
  .transform((value) => value.toLowerCase())
  .refine(
    (value) => !/^(host|connection|content-.*|transfer-encoding|upgrade|te|trailer|cookie)$/.test(value),
    'must not be a header that frames the message',
  )
const queryName = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be a query parameter such as key')
const pathTemplate = z
  .string()
  .regex(
    /^(\/([A-Za-z0-9._~:@-]|\{[a-z_]+\})+)+$/,
    'must be a path such as /v1/models/{model}:embed, where {name} stands for one segment or its part',
  )

const statelessRoute = z.strictObject({
  method: z.enum(['GET', 'POST']),
  path: pathTemplate,
})

export const providerFileEntry = z.strictObject({
  base_url: providerBaseUrl.optional().describe('origin and optional path; the rest comes with the call'),
  key_slot: z
    .union([
      z.strictObject({ header: headerName, prefix: z.string().max(32).default('') }),
      z.strictObject({ query: queryName }),
    ])
    .optional()
    .describe('where the provider looks for its key'),
  key_source: z
    .enum(['own', 'shared', 'own_else_shared'])
    .optional()
    .describe('whose key serves a call; default: shared when a shared key is set, else own'),
  priced_by: z.enum(['token', 'call']).optional(),
  usage: z
    .enum(['openai', 'anthropic', 'gemini'])
    .optional()
    .describe(
      'the API in which its answers tell the tokens that were used; needed when it is priced by token',
    ),
  stateless_routes: z
    .array(statelessRoute)
    .max(200)
    .optional()
    .describe('the only routes that are open on the shared key'),
  shared_headers: z
    .array(headerName)
    .max(50)
    .optional()
    .describe('request headers that are passed on with the shared key beside the usual ones'),
  shared_query: z
    .array(queryName)
    .max(50)
    .optional()
    .describe('query parameters passed on with the shared key'),
})
export type ProviderFileEntry = z.output<typeof providerFileEntry>

/** Built-in ones that are priced by token, whose usage is known how to read. */
const pricedByToken = new Set(['openai', 'anthropic', 'gemini'])

const providerName = /^[a-z0-9][a-z0-9_-]{0,63}$/

export const providersSection = z
  .record(z.string(), providerFileEntry)
  .superRefine((providers, context) => {
    for (const [provider, entry] of Object.entries(providers)) {
      const { base_url, key_slot } = entry
      if (!providerName.test(provider)) {
        const message = 'must be a name of lower-case letters, digits, - and _'
        context.addIssue({ code: 'custom', path: [provider], message })
      }
      if (entry.priced_by === 'token' && !entry.usage && !pricedByToken.has(provider)) {
        const message = 'is needed, because this provider is priced by token: openai, anthropic or gemini'
        context.addIssue({ code: 'custom', path: [provider, 'usage'], message })
      }
      if (builtInProviders.some((builtIn) => builtIn === provider)) continue
      const missing = [base_url ? [] : ['base_url'], key_slot ? [] : ['key_slot']].flat()
      for (const key of missing) {
        context.addIssue({
          code: 'custom',
          path: [provider, key],
          message: 'is needed, because this provider is not a built-in one',
        })
      }
    }
  })
  .prefault({})
  .describe('changes to built-in providers, and providers of your own')
