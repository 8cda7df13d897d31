// Device tokens: JWTs signed here for a device and its epoch. What they say of the device is checked against its row elsewhere.
import { hash, randomBytes } from 'node:crypto'
import { SignJWT } from 'jose/jwt/sign'
import { jwtVerify } from 'jose/jwt/verify'
import { z } from 'zod'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import type { DeviceToken } from './caller-types.ts'
import { isCanonicalJwt, peekIntoJwt } from './canonical-jwt.ts'
import type { SigningRing } from './signing-key.ts'

const algorithm = 'HS256'
const tokenType = 'device_token'

/** Exactly these claims: a token with others was not made here. */
const claimsSchema = z.strictObject({
  device_id: z.string(),
  customer_id: z.string(),
  type: z.literal(tokenType),
  /** Row of the device, its epoch, and a random part: a device registered anew under the same id is another one. */
  jti: z.string().regex(/^\d{1,15}\.\d{1,9}\.[A-Za-z0-9_-]{22}$/),
  iat: z.number().int(),
  exp: z.number().int(),
})

/** A device as its token names it. */
export type TokenSubject = { pk: number; epoch: number; deviceId: string; customerId: string }
/** What a token with a good signature says. Whether its device still agrees is for the caller to ask. */
export type VerifiedToken = TokenSubject & { expiresAtMs: number }

export type DeviceTokens = {
  /** A different token each time. Throws EngineAwayError when the signing key cannot be told. */
  issue(subject: TokenSubject): Promise<DeviceToken>
  /** A token whose signature was verified before; undefined for any other. */
  recall(text: string): VerifiedToken | undefined
  /** Null for anything but a live token of ours. */
  verify(text: string): Promise<VerifiedToken | null>
}

export function isDeviceTokenShaped(text: string): boolean {
  const claims = peekIntoJwt(text)?.claims
  return claims !== undefined && 'type' in claims && claims.type === tokenType
}

export function createDeviceTokens(dependencies: {
  ring: SigningRing
  clock: Clock
  ttlSeconds: number
  rememberedMax: number
}): DeviceTokens {
  const { ring, clock, ttlSeconds } = dependencies
  const remembered = new BoundedMap<string, VerifiedToken>(dependencies.rememberedMax)
  const digestOf = (text: string) => hash('sha256', text, 'base64url')

  return {
    async issue({ pk, epoch, deviceId, customerId }) {
      const { kid, key } = await ring.signer()
      const nowSeconds = Math.floor(clock.now() / 1000)
      const token = await new SignJWT({ device_id: deviceId, customer_id: customerId, type: tokenType })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid })
        .setJti(`${pk}.${epoch}.${randomBytes(16).toString('base64url')}`)
        .setIssuedAt(nowSeconds)
        .setExpirationTime(nowSeconds + ttlSeconds)
        .sign(key)
      return { accessToken: new Secret(token), expiresInSeconds: ttlSeconds }
    },

    recall: (text) => remembered.peek(digestOf(text)),

    async verify(text) {
      const kid = readKeyId(text)
      if (kid === null) return null
      const signing = await ring.find(kid)
      if (!signing) return null
      try {
        const { payload } = await jwtVerify(text, signing.key, {
          algorithms: [algorithm],
          currentDate: new Date(clock.now()),
        })
        const verified = readClaims(claimsSchema.parse(payload))
        remembered.set(digestOf(text), verified)
        return verified
      } catch {
        return null
      }
    },
  }
}

/** Null unless it is a device token in its one spelling, with a key id and an algorithm as ours. */
function readKeyId(text: string): string | null {
  if (!isCanonicalJwt(text) || !isDeviceTokenShaped(text)) return null
  const header = peekIntoJwt(text)?.header
  if (!header || !('kid' in header) || !('alg' in header) || header.alg !== algorithm) return null
  return typeof header.kid === 'string' ? header.kid : null
}

function readClaims(claims: z.output<typeof claimsSchema>): VerifiedToken {
  const [pk, epoch] = claims.jti.split('.')
  return {
    pk: Number(pk),
    epoch: Number(epoch),
    deviceId: claims.device_id,
    customerId: claims.customer_id,
    expiresAtMs: claims.exp * 1000,
  }
}
