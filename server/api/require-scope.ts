// Holds a key to what it may be used for.
import { AppError } from '@sallyport/contract'
import type { Principal } from '../identity/identity.ts'

/** Throws AppError `scope_missing`. */
export function requireScope({ scopes }: Pick<Principal, 'scopes'>, scope: string): void {
  if (scopes !== null && !scopes.includes(scope)) throw new AppError('scope_missing')
}
