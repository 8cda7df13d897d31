// Environment values of the providers that are built in: the operator's shared key and another base URL for each.
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'

/** Any other provider is described in the configuration file. */
export const builtInProviders = ['openai', 'anthropic', 'gemini', 'exa', 'vapi', 'copilotkit'] as const
export type BuiltInProvider = (typeof builtInProviders)[number]

/** `new-api` reads NEW_API_API_KEY and NEW_API_BASE_URL. */
function providerEnvironmentNames(provider: string): { apiKey: string; baseUrl: string } {
  const prefix = provider.toUpperCase().replaceAll('-', '_')
  return { apiKey: `${prefix}_API_KEY`, baseUrl: `${prefix}_BASE_URL` }
}

const providerApiKey = z
  .string()
  .regex(/^[\x21-\x7e]{8,4096}$/, 'must be 8 to 4096 printable characters without spaces')
  .transform((value) => new Secret(value))

export const providerBaseUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
  .refine((value) => !/[?#]/.test(value), 'must have no query and no fragment')
  .refine((value) => !hasCredentials(value), 'must hold no user and no password')
  .transform((value) => value.replace(/\/+$/, ''))

export const providerEntries = {
  ...entriesOf('openai', 'https://api.openai.com'),
  ...entriesOf('anthropic', 'https://api.anthropic.com'),
  ...entriesOf('gemini', 'https://generativelanguage.googleapis.com'),
  ...entriesOf('exa', 'https://api.exa.ai'),
  ...entriesOf('vapi', 'https://api.vapi.ai'),
  ...entriesOf('copilotkit', 'https://api.cloud.copilotkit.ai'),
}

function hasCredentials(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && (url.username !== '' || url.password !== '')
}

export type ProviderEnvironment = { readonly apiKey: Secret | null; readonly baseUrl: string | null }

/** The values of the built-in providers and of `others`; what is wrong with a value is added to `problems`, once. */
export function readProviderEnvironment(
  others: readonly string[],
  findText: (name: string) => string | undefined,
  problems: string[],
): Record<string, ProviderEnvironment> {
  function read<Value>(name: string, schema: z.ZodType<Value, string>, isReported: boolean): Value | null {
    const text = findText(name)
    if (text === undefined) return null
    const parsed = schema.safeParse(text)
    if (parsed.success) return parsed.data
    const reasons = parsed.error.issues.map((issue) => issue.message).join('; ')
    if (!isReported) problems.push(`${name}: ${reasons}`)
    return null
  }
  const environment: Record<string, ProviderEnvironment> = {}
  for (const provider of new Set([...builtInProviders, ...others])) {
    const names = providerEnvironmentNames(provider)
    // The entries of the built-in ones are in the table of all keys, where they are checked as well.
    const isReported = builtInProviders.some((builtIn) => builtIn === provider)
    environment[provider] = {
      apiKey: read(names.apiKey, providerApiKey, isReported),
      baseUrl: read(names.baseUrl, providerBaseUrl, isReported),
    }
  }
  return environment
}

type KeyEntry = {
  readonly names: readonly [string]
  readonly schema: typeof providerApiKey
  readonly default: null
  readonly example: string
  readonly help: string
  readonly secret: true
}
type UrlEntry = {
  readonly names: readonly [string]
  readonly schema: typeof providerBaseUrl
  readonly default: null
  readonly example: string
  readonly help: string
}
type Entries<Name extends BuiltInProvider> = {
  [Key in `${Name}ApiKey`]: KeyEntry
} & { [Key in `${Name}BaseUrl`]: UrlEntry }

function entriesOf<Name extends BuiltInProvider>(provider: Name, vendorUrl: string): Entries<Name> {
  const { apiKey, baseUrl } = providerEnvironmentNames(provider)
  const entries: Record<string, KeyEntry | UrlEntry> = {
    [`${provider}ApiKey`]: {
      names: [apiKey],
      schema: providerApiKey,
      default: null,
      example: '<key of the provider>',
      help: `shared key of ${provider}; one set by the admin wins`,
      secret: true,
    },
    [`${provider}BaseUrl`]: {
      names: [baseUrl],
      schema: providerBaseUrl,
      default: null,
      example: vendorUrl,
      help: `address of ${provider} in place of the vendor's`,
    },
  }
  return entries as Entries<Name>
}
