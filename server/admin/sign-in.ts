// One sign-in for both doors, bearer token and console: lockout, audit and count are the same.
import { AppError } from '@sallyport/contract'
import { Counter, type Registry } from 'prom-client'
import type { Identity, IssuedSession } from '../identity/identity.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database } from '../store/store.ts'
import type { WebCall } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'

export type SignInDependencies = {
  identity: Pick<Identity, 'login'>
  audit: Pick<AuditLog, 'record'>
  database: Pick<Database, 'transaction'>
  registry: Registry
  logger: Logger
}

/** Throws AppError `wrong_password`, `too_many_login_attempts` or `too_many_requests`. */
export type SignIn = (
  password: string,
  call: WebCall,
  actor: 'password' | 'console',
) => Promise<IssuedSession>

export function createSignIn(dependencies: SignInDependencies): SignIn {
  const { identity, audit, database, logger } = dependencies
  const logins = new Counter({
    name: 'sallyport_admin_logins_total',
    help: 'Logins of the admin by result',
    labelNames: ['result'],
    registers: [dependencies.registry],
  })
  return async (password, call, actor) => {
    const address = call.address.text
    const outcome = await identity.login(password, call.address)
    if (outcome.outcome === 'refused') {
      logins.inc({ result: outcome.code })
      logger.warn('An admin login was refused', {
        request_id: call.requestId,
        client_ip: address,
        code: outcome.code,
      })
      const { code, ...wait } = outcome
      throw new AppError(
        code,
        'retryAfterSeconds' in wait ? { retryAfterSeconds: wait.retryAfterSeconds } : {},
      )
    }
    // A session that could not be written down is not handed out.
    await database.transaction((tx) =>
      audit.record(tx, {
        actor,
        address,
        action: 'admin.signed_in',
        target: 'admin',
        before: null,
        after: null,
      }),
    )
    logins.inc({ result: 'signed_in' })
    return outcome.session
  }
}
