// Door of the identity room: who is calling. What it tells is an admin's session, a client's principal, or a refusal.
import { type AdminIdentity, type AdminIdentityDependencies, createAdminIdentity } from './admin-identity.ts'
import {
  type CallerIdentity,
  type CallerIdentityDependencies,
  createCallerIdentity,
} from './caller-identity.ts'

export { type AccountDependencies, type RecordAccountChange, resetAdminPassword } from './admin-account.ts'
export type { AdminPrincipal, LoginOutcome, PresentedCredential } from './admin-identity.ts'
export type { IssuedSession } from './admin-session.ts'
export type * from './caller-types.ts'
export { holdClient } from './client-rows.ts'
export { localTokenFile, localTokenPrefix } from './local-token.ts'
export type { Principal } from './principal.ts'
export { countForeignSigningKeys } from './ring-memory.ts'
export { createSigningRing } from './signing-ring.ts'

export type Identity = AdminIdentity & CallerIdentity
export type IdentityDependencies = AdminIdentityDependencies & CallerIdentityDependencies

/** Makes the admin's account and the first signing key when there are none, and the token file for commands on this machine. */
export async function createIdentity(dependencies: IdentityDependencies): Promise<Identity> {
  const callers = await createCallerIdentity(dependencies)
  const admin = await createAdminIdentity(dependencies)
  return {
    ...callers,
    ...admin,
    async close() {
      await Promise.all([callers.close(), admin.close()])
    },
  }
}
