// Door of the onboarding room: end users bring their provider keys, go through six steps, and have texts written on those keys.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppError, OnboardingProvider } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Queryable } from '../store/store.ts'
import type { Vault } from '../vault/vault.ts'
import { type Blog, createBlog } from './blog.ts'
import { createEnvFile } from './env-file.ts'
import { type CheckKey, createCheckKey, type ProviderPlace } from './key-check.ts'
import { type ArrivedRequest, chooseMode, createDevelopmentGuard, type KeyMode } from './mode.ts'
import { deleteSession } from './session-store.ts'
import { createSessions, type HoldClient, type Sessions } from './sessions.ts'
import { createUserKeys, type UserKeys } from './user-keys.ts'

export type { Blog, BlogOrder, BlogPost } from './blog.ts'
export type { ModelTokens } from './gemini-writer.ts'
export type { KeyVerdict, ProviderPlace } from './key-check.ts'
export type { ArrivedRequest, KeyMode } from './mode.ts'
export type { Sessions } from './sessions.ts'
export type { KeysByProvider, KeyUser, UserApiKeys, UserKeys } from './user-keys.ts'

export type Onboarding = {
  readonly mode: KeyMode
  /** In development mode: why the request is not from this machine's own user (`mode_not_chosen`); null: it is. */
  refuseForeign(request: ArrivedRequest): AppError | null
  keys: UserKeys
  checkKey: CheckKey
  sessions: Sessions
  blog: Blog
  /** Part of deleting a client, in the caller's transaction. Its keys are the vault's. */
  removeClient(tx: Queryable, clientId: number): Promise<void>
}

export type OnboardingDependencies = {
  config: Pick<
    Config,
    | 'debug'
    | 'deployEnv'
    | 'host'
    | 'publicUrl'
    | 'trustedProxyIps'
    | 'pgDsn'
    | 'corsOrigins'
    | 'envFile'
    | 'workingDir'
    | 'blog'
  >
  database: Pick<Database, 'query' | 'transaction'>
  vault: Pick<Vault, 'openKey' | 'setKeys' | 'removeKey'>
  holdClient: HoldClient
  findProvider(name: OnboardingProvider): ProviderPlace | null
  clock: Clock
  logger: Logger
}

export function createOnboarding(dependencies: OnboardingDependencies): Onboarding {
  const { config, database, vault, holdClient, findProvider, clock, logger } = dependencies
  const mode = chooseMode(config)
  const frontendFile = createEnvFile(join(config.workingDir, 'frontend/.env'))
  const keys = createUserKeys({
    ...{ mode, vault, logger },
    envFile: createEnvFile(config.envFile),
    findFrontendFile: async () =>
      (await isFolder(join(config.workingDir, 'frontend'))) ? frontendFile : null,
  })
  return {
    mode,
    refuseForeign: createDevelopmentGuard(config),
    keys,
    checkKey: createCheckKey({ findProvider, clock }),
    sessions: createSessions({ database, clock, userApiKeys: keys.userApiKeys, holdClient }),
    blog: createBlog({ config, findProvider, clock }),
    removeClient: deleteSession,
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}
