// Door of the identity room: who is calling. What it tells is an admin's session, a client's principal, or a refusal.
import { type AdminIdentity, type AdminIdentityDependencies, createAdminIdentity } from './admin-identity.ts'

export { type AccountDependencies, type RecordAccountChange, resetAdminPassword } from './admin-account.ts'
export type { AdminPrincipal, LoginOutcome, PresentedCredential } from './admin-identity.ts'
export type { IssuedSession } from './admin-session.ts'
export type * from './caller-types.ts'
export { localTokenFile, localTokenPrefix } from './local-token.ts'
export type { Principal } from './principal.ts'

export type Identity = AdminIdentity
export type IdentityDependencies = AdminIdentityDependencies

/** Makes the admin's account when there is none, and the token file for commands on this machine. */
export const createIdentity: (dependencies: IdentityDependencies) => Promise<Identity> = createAdminIdentity
