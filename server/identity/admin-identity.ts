// The admin: signing in, and recognising a session or the local token.
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { IpAddress } from '../lib/ip-address.ts'
import type { Logger } from '../lib/logger.ts'
import type { Secret } from '../lib/secret.ts'
import type { Counters, Database, Notices } from '../store/store.ts'
import { ensureAdminAccount, type RecordAccountChange, readAdminAccount } from './admin-account.ts'
import { createAdminEpoch } from './admin-epoch.ts'
import { type AdminSessions, createAdminSessions, type IssuedSession } from './admin-session.ts'
import { createLocalToken, type LocalToken } from './local-token.ts'
import { createLoginLockout } from './login-lockout.ts'
import { isPasswordCorrect } from './password-hash.ts'

export type LoginOutcome =
  | { outcome: 'signed_in'; session: IssuedSession }
  | { outcome: 'refused'; code: 'wrong_password' }
  | { outcome: 'refused'; code: 'too_many_login_attempts'; retryAfterSeconds: number }
  | { outcome: 'refused'; code: 'too_many_requests'; retryAfterSeconds: number }

/** How an admin proved to be one; `actor` is what the audit log calls it. */
export type AdminPrincipal = {
  actor: 'password' | 'console' | 'local token'
  /** Null for the local token, which lasts as long as the process. */
  expiresAtMs: number | null
}

export type PresentedCredential =
  | { carrier: 'cookie'; token: string }
  /** `fromThisMachine`: the peer is loopback and no proxy spoke for somebody else. */
  | { carrier: 'bearer'; token: string; fromThisMachine: boolean }

export type AdminIdentity = {
  /** Throws EngineAwayError. */
  login(password: string, address: IpAddress): Promise<LoginOutcome>
  /** Null: not authenticated. Throws EngineAwayError when that cannot be told. */
  authenticateAdmin(presented: PresentedCredential): Promise<AdminPrincipal | null>
  /** The password made at the very first start, to be printed once. */
  generatedPassword: Secret | null
  close(): Promise<void>
}

export type AdminIdentityDependencies = {
  config: Pick<Config, 'adminPassword' | 'adminJwtSecret' | 'dataDir'>
  database: Database
  notices: Notices
  counters: Counters
  record: RecordAccountChange
  clock: Clock
  logger: Logger
}

/** Makes the admin's account when there is none, and the token file for commands on this machine. */
export async function createAdminIdentity(dependencies: AdminIdentityDependencies): Promise<AdminIdentity> {
  const { config, database, notices, logger } = dependencies
  const generatedPassword = await ensureAdminAccount(
    { database, publish: notices.publish, record: dependencies.record },
    config.adminPassword,
  )
  const epoch = createAdminEpoch({ database, notices })
  const epochAtStart = await epoch.current()
  const sessions = createAdminSessions({ secret: config.adminJwtSecret, clock: dependencies.clock })
  const lockout = createLoginLockout({ counters: dependencies.counters })
  const localToken = await createLocalToken(config.dataDir)
  const revokeLocalToken = () =>
    localToken.revoke().catch((error: unknown) => {
      logger.warn('The file of the local admin token could not be removed', { component: 'identity', error })
    })
  epoch.onChange((changed) => {
    if (changed !== epochAtStart) void revokeLocalToken()
  })

  return {
    generatedPassword,

    async login(password, address) {
      const attempt = await lockout.attempt(address, () => tryPassword(database, sessions, password))
      if (attempt.outcome === 'locked') {
        const { retryAfterSeconds } = attempt
        return { outcome: 'refused', code: 'too_many_login_attempts', retryAfterSeconds }
      }
      if (attempt.outcome === 'busy') {
        return { outcome: 'refused', code: 'too_many_requests', retryAfterSeconds: 1 }
      }
      if (attempt.result === null) return { outcome: 'refused', code: 'wrong_password' }
      return { outcome: 'signed_in', session: attempt.result }
    },

    async authenticateAdmin(presented) {
      const found = isLocalToken(presented, localToken)
        ? { actor: 'local token' as const, epoch: epochAtStart, expiresAtMs: null }
        : await findSession(presented, sessions)
      if (!found || found.epoch !== (await epoch.current())) return null
      return { actor: found.actor, expiresAtMs: found.expiresAtMs }
    },

    async close() {
      epoch.close()
      await revokeLocalToken()
    },
  }
}

async function tryPassword(
  database: Database,
  sessions: AdminSessions,
  password: string,
): Promise<IssuedSession | null> {
  const account = await readAdminAccount(database)
  if (!account || !(await isPasswordCorrect(password, account.passwordHash))) return null
  return sessions.issue(account.epoch)
}

function isLocalToken(presented: PresentedCredential, localToken: LocalToken): boolean {
  return (
    presented.carrier === 'bearer' && presented.fromThisMachine && localToken.isPresented(presented.token)
  )
}

async function findSession(
  presented: PresentedCredential,
  sessions: AdminSessions,
): Promise<{ actor: 'password' | 'console'; epoch: number; expiresAtMs: number } | null> {
  const session = await sessions.verify(presented.token)
  if (!session) return null
  return { ...session, actor: presented.carrier === 'cookie' ? 'console' : 'password' }
}
