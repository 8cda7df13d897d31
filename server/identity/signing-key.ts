// A secret that signs device tokens, and the ring of those that are good.
import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import type { Secret } from '../lib/secret.ts'
import type { SigningKeys } from './caller-types.ts'

export type SigningKey = { readonly kid: string; readonly key: KeyObject }

export type SigningRing = SigningKeys & {
  /** The key that signs now. Throws EngineAwayError when that cannot be told. */
  signer(): Promise<SigningKey>
  /** Null: no token signed with it is good. Throws EngineAwayError when that cannot be told. */
  find(kid: string): Promise<SigningKey | null>
  close(): void
}

/** The key id is the first 8 hex digits of SHA-256 of the secret. */
export function toSigningKey(secret: Secret): SigningKey {
  const bytes = Buffer.from(secret.reveal(), 'utf8')
  return {
    kid: createHash('sha256').update(bytes).digest('hex').slice(0, 8),
    key: createSecretKey(bytes),
  }
}
