// The secrets that sign device tokens: one signs, those of before verify until their last token has expired.
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import { type SigningKey, type SigningRing, toSigningKey } from './signing-key.ts'
import { createStoredRing, type StoredRingDependencies } from './stored-ring.ts'

type SigningConfig = Pick<Config, 'jwtSecret' | 'jwtSecretPrevious'>

/** With JWT_SECRET the environment is the ring; without it the database is, and JWT_SECRET_PREVIOUS still verifies. */
export async function createSigningRing(
  dependencies: Omit<StoredRingDependencies, 'alsoVerifying'> & { config: SigningConfig },
): Promise<SigningRing> {
  const { jwtSecret, jwtSecretPrevious } = dependencies.config
  const previous = jwtSecretPrevious.map(toSigningKey)
  return jwtSecret
    ? createEnvironmentRing(toSigningKey(jwtSecret), previous)
    : createStoredRing({ ...dependencies, alsoVerifying: previous })
}

function createEnvironmentRing(signer: SigningKey, previous: readonly SigningKey[]): SigningRing {
  const keys = [signer, ...previous]
  return {
    signer: async () => signer,
    find: async (kid) => keys.find((key) => key.kid === kid) ?? null,
    async rotate() {
      throw new AppError('conflict', {
        message:
          'JWT_SECRET is set, so the secret is rotated there: add the new one to JWT_SECRET_PREVIOUS of every replica and restart them, then swap it with JWT_SECRET and restart them again.',
      })
    },
    status: async () => ({
      source: 'environment',
      keys: keys.map(({ kid }) => ({ kid, signs: kid === signer.kid, createdAt: null, retiredAt: null })),
    }),
    close: () => undefined,
  }
}
