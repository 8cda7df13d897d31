// /api/onboarding/api-keys: a user saves provider keys, sees which there are, has them checked, and removes them.
import {
  AppError,
  type OnboardingKeysRequest,
  onboardingKeysAnswer,
  onboardingKeysRequest,
  onboardingProviderParams,
  onboardingProviders,
  onboardingRemovedAnswer,
  onboardingSavedAnswer,
  validateKeyAnswer,
  validateKeyRequest,
} from '@sallyport/contract'
import { Secret } from '../lib/secret.ts'
import type { KeysByProvider, Onboarding } from '../onboarding/onboarding.ts'
import type { Counters } from '../store/store.ts'
import type { RecordVaultChange } from '../vault/vault.ts'
import { answers, callOf, notFound, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'
import { userOf } from './onboarding-routes.ts'
import { signalOf } from './signal-of.ts'

export type OnboardingKeyRouteDependencies = {
  onboarding: Pick<Onboarding, 'keys' | 'checkKey'>
  counters: Pick<Counters, 'increment'>
  /** Records what `actor` changes from `address`. */
  recorderFor(actor: string, address: string | null): RecordVaultChange
}

const path = '/api/onboarding/api-keys'
const shared = { tags: ['onboarding'], security: callerSecurity.user }
/** Each one is a call to the provider, and whoever tries out keys that are not his learns which are good. */
const checksPerMinute = 20
/** Above the usual limit: a file sent by mistake is told as what it is, no key. */
const bodyLimit = 2 * 1024 * 1024

/** Behind the authentication. */
export function addOnboardingKeyRoutes(api: WebApi, dependencies: OnboardingKeyRouteDependencies): void {
  const { keys } = dependencies.onboarding
  const recorderOf = (raw: Parameters<typeof callerOf>[0]) =>
    dependencies.recorderFor(callerOf(raw).credential, callOf(raw).address.text)

  const saveSchema = {
    ...shared,
    summary: 'Save one key or several of your own, all or none; they are never shown again',
    body: onboardingKeysRequest,
    response: answers(onboardingSavedAnswer),
  }
  api.post(path, { schema: saveSchema, bodyLimit }, async ({ raw, body }) => {
    const saved = keysOf(body)
    await keys.save(userOf(raw), saved, recorderOf(raw))
    const providers = onboardingProviders.filter((provider) => saved[provider] !== undefined)
    const message = `Saved: ${providers.join(', ')}.`
    return { message, providers, status: 'saved' as const }
  })

  const listSchema = {
    ...shared,
    summary: 'The providers that you saved a key of',
    response: answers(onboardingKeysAnswer),
  }
  api.get(path, { schema: listSchema }, async ({ raw }) => ({
    api_keys: await keys.listMasked(userOf(raw)),
  }))

  const removeSchema = {
    ...shared,
    summary: 'Remove a key of your own',
    params: onboardingProviderParams,
    response: answers(onboardingRemovedAnswer),
  }
  api.delete(`${path}/:provider`, { schema: removeSchema }, async ({ raw, params: { provider } }) => {
    const removed = await keys.remove(userOf(raw), provider, recorderOf(raw))
    if (!removed) throw notFound(`You have saved no key of ${provider}.`)
    return { message: `Removed: ${provider}.`, provider, status: 'removed' as const }
  })
  addValidateRoute(api, dependencies)
}

function addValidateRoute(
  api: WebApi,
  { onboarding: { keys, checkKey }, counters }: OnboardingKeyRouteDependencies,
): void {
  const schema = {
    ...shared,
    summary: 'Ask the provider whether it takes your saved key, or the one that you send',
    params: onboardingProviderParams,
    body: validateKeyRequest,
    response: answers(validateKeyAnswer),
  }
  api.post(
    `${path}/:provider/validate`,
    { schema, bodyLimit },
    async ({ raw, params: { provider }, body }, reply) => {
      const user = userOf(raw)
      const { count, resetMs } = await counters.increment(`key checks:${user.clientId}`, 60_000)
      if (count > checksPerMinute) {
        throw new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) })
      }
      const sent = body.api_key === undefined ? undefined : new Secret(body.api_key)
      const key = sent ?? (await keys.userApiKeys(user)).get(provider)
      if (!key) {
        throw new AppError('provider_key_missing', { message: `You have saved no key of ${provider}.` })
      }
      return checkKey(provider, key, signalOf(reply.raw))
    },
  )
}

function keysOf({ provider, api_key, api_keys }: OnboardingKeysRequest): KeysByProvider {
  if (api_keys === undefined)
    return provider === undefined || api_key === undefined ? {} : { [provider]: api_key }
  const keys: KeysByProvider = {}
  for (const name of onboardingProviders) {
    const key = api_keys[name]
    if (key !== undefined) keys[name] = key
  }
  return keys
}
