// The provider keys of one user: read for exactly that user, saved all or none, shown as their last characters only.
import { AppError, type OnboardingProvider, onboardingProviders } from '@sallyport/contract'
import type { Logger } from '../lib/logger.ts'
import { Secret } from '../lib/secret.ts'
import { lastCharacters, type RecordVaultChange, type Vault } from '../vault/vault.ts'
import type { EnvFile } from './env-file.ts'
import type { KeyMode } from './mode.ts'

/** Whose keys: the row of its client, and the subject that the user is known by. */
export type KeyUser = { clientId: number; userId: string }

/**
 * The keys of exactly this user; of nobody (null) none, but in development, where the one user is whoever sits at the
 * machine. The operator's keys are never among them. Throws EngineAwayError.
 */
export type UserApiKeys = (user: KeyUser | null) => Promise<ReadonlyMap<OnboardingProvider, Secret>>

export type UserKeys = {
  userApiKeys: UserApiKeys
  /** All of them or, when anything fails, none. */
  save(user: KeyUser, keys: KeysByProvider, record: RecordVaultChange): Promise<void>
  /** False: there was none. */
  remove(user: KeyUser, provider: OnboardingProvider, record: RecordVaultChange): Promise<boolean>
  /** `****1234` by provider. */
  listMasked(user: KeyUser): Promise<Record<string, string>>
}

export type KeysByProvider = Partial<Record<OnboardingProvider, string>>

export type UserKeyDependencies = {
  mode: KeyMode
  vault: Pick<Vault, 'openKey' | 'setKeys' | 'removeKey'>
  /** Of development mode. */
  envFile: EnvFile
  /** `frontend/.env`; null while there is no such folder. */
  findFrontendFile(): Promise<EnvFile | null>
  logger: Logger
}

const envNames: Readonly<Record<OnboardingProvider, string>> = {
  gemini: 'GEMINI_API_KEY',
  exa: 'EXA_API_KEY',
  copilotkit: 'COPILOTKIT_API_KEY',
}
const frontendName = 'REACT_APP_COPILOTKIT_API_KEY'
/** What the gateway itself takes as key of a provider from its environment at the next start. */
const envKeyForm = /^[\x21-\x7e]{8,4096}$/

export function createUserKeys(dependencies: UserKeyDependencies): UserKeys {
  return dependencies.mode === 'development' ? inEnvFile(dependencies) : inDatabase(dependencies)
}

function inDatabase({ vault, logger }: UserKeyDependencies): UserKeys {
  const userApiKeys: UserApiKeys = async (user) => {
    const keys = new Map<OnboardingProvider, Secret>()
    if (user === null) return keys
    logger.info(`[PROD MODE] Using database for user ${printable(user.userId)}`, { component: 'onboarding' })
    for (const provider of onboardingProviders) {
      const key = await vault.openKey(user.clientId, provider)
      if (key) keys.set(provider, key)
    }
    return keys
  }
  return {
    userApiKeys,
    async save({ clientId }, keys, record) {
      await vault.setKeys(clientId, definedOf(keys), record)
    },
    remove: ({ clientId }, provider, record) => vault.removeKey({ clientId, provider }, record),
    listMasked: async (user) => mask(await userApiKeys(user)),
  }
}

/** Saved in the database too, so that a change to production finds them; read from the file only. */
function inEnvFile({ vault, envFile, findFrontendFile, logger }: UserKeyDependencies): UserKeys {
  const userApiKeys: UserApiKeys = async () => {
    logger.info('[DEV MODE] Using .env file', { component: 'onboarding' })
    const values = await envFile.read()
    const keys = new Map<OnboardingProvider, Secret>()
    for (const provider of onboardingProviders) {
      const value = values[envNames[provider]]?.trim() ?? ''
      if (/^[\x21-\x7e]{1,4096}$/.test(value)) keys.set(provider, new Secret(value))
    }
    return keys
  }
  /** Both files and then `work`; where something fails nothing has changed. */
  async function write(
    keys: Partial<Record<OnboardingProvider, string | null>>,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const changes: Record<string, string | null> = {}
    for (const provider of onboardingProviders) {
      const key = keys[provider]
      if (key !== undefined) changes[envNames[provider]] = key
    }
    const frontendFile = keys.copilotkit === undefined ? null : await findFrontendFile()
    const frontendChanges = { [frontendName]: keys.copilotkit ?? null }
    await envFile.change(changes, () => frontendFile?.change(frontendChanges, work) ?? work())
  }
  return {
    userApiKeys,
    async save({ clientId }, keys, record) {
      const defined = definedOf(keys)
      for (const [provider, key] of Object.entries(defined)) {
        if (envKeyForm.test(key)) continue
        throw new AppError('malformed_request', {
          message: `${provider}: must have at least 8 characters to stand in the .env file.`,
        })
      }
      await write(keys, () => vault.setKeys(clientId, defined, record))
    },
    async remove({ clientId }, provider, record) {
      const wasInFile = (await userApiKeys(null)).has(provider)
      let wasInDatabase = false
      const remove = async () => {
        wasInDatabase = await vault.removeKey({ clientId, provider }, record)
      }
      await (wasInFile ? write({ [provider]: null }, remove) : remove())
      return wasInFile || wasInDatabase
    },
    listMasked: async (user) => mask(await userApiKeys(user)),
  }
}

function definedOf(keys: KeysByProvider): Record<string, string> {
  const defined: Record<string, string> = {}
  for (const provider of onboardingProviders) {
    const key = keys[provider]
    if (key !== undefined) defined[provider] = key
  }
  return defined
}

function mask(keys: ReadonlyMap<OnboardingProvider, Secret>): Record<string, string> {
  return Object.fromEntries(
    [...keys].map(([provider, key]) => [provider, `****${lastCharacters(key.reveal())}`]),
  )
}

/** A subject comes from outside; in a log line it must not look like the line's end. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}
