// Admin session tokens: JWTs that only this installation signs, and that a change of the password voids.
import { createSecretKey, hash, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose/jwt/sign'
import { jwtVerify } from 'jose/jwt/verify'
import { z } from 'zod'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'

const issuer = 'sallyport'
const algorithm = 'HS256'
const lifetimeSeconds = 8 * 3600
const rememberedMax = 1000

const claimsSchema = z.object({
  type: z.literal('admin'),
  epoch: z.number().int(),
  jti: z.uuid(),
  exp: z.number().int(),
})

export type IssuedSession = { token: string; expiresInSeconds: number }
export type VerifiedSession = { epoch: number; expiresAtMs: number }

export type AdminSessions = {
  issue(epoch: number): Promise<IssuedSession>
  /** Null for anything but a live token of ours. Whether its epoch still holds is for the caller to ask. */
  verify(token: string): Promise<VerifiedSession | null>
}

export function createAdminSessions(dependencies: { secret: Secret; clock: Clock }): AdminSessions {
  const { clock } = dependencies
  const key = createSecretKey(Buffer.from(dependencies.secret.reveal(), 'utf8'))
  const remembered = new BoundedMap<string, VerifiedSession>(rememberedMax)

  return {
    async issue(epoch) {
      const nowSeconds = Math.floor(clock.now() / 1000)
      const token = await new SignJWT({ type: 'admin', epoch })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuer(issuer)
        .setJti(randomUUID())
        .setIssuedAt(nowSeconds)
        .setExpirationTime(nowSeconds + lifetimeSeconds)
        .sign(key)
      return { token, expiresInSeconds: lifetimeSeconds }
    },

    async verify(token) {
      if (!isCanonicalJwt(token)) return null
      const digest = hash('sha256', token, 'base64url')
      const known = remembered.get(digest)
      if (known) return known.expiresAtMs > clock.now() ? known : null
      const session = await verifySignature(token, key, clock.now())
      if (session) remembered.set(digest, session)
      return session
    },
  }
}

async function verifySignature(
  token: string,
  key: ReturnType<typeof createSecretKey>,
  nowMs: number,
): Promise<VerifiedSession | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      issuer,
      currentDate: new Date(nowMs),
    })
    const claims = claimsSchema.parse(payload)
    return { epoch: claims.epoch, expiresAtMs: claims.exp * 1000 }
  } catch {
    return null
  }
}

/** One token has one spelling: decoders ignore unused bits and odd characters, so texts that differ could pass as equal. */
function isCanonicalJwt(token: string): boolean {
  if (token.length > 2048) return false
  const parts = token.split('.')
  return (
    parts.length === 3 && parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
  )
}
