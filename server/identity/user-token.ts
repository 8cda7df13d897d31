// User tokens: JWTs of the one configured issuer. What they prove is who the issuer says it is, and until when.
import { hash } from 'node:crypto'
import { AppError } from '@sallyport/contract'
import { jwtVerify } from 'jose/jwt/verify'
import { z } from 'zod'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { isCanonicalJwt, peekIntoJwt } from './canonical-jwt.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** Public-key signatures only: with the others, whoever can verify a token could make one. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]
/** Clocks of issuer and gateway may differ by this much. */
const leewaySeconds = 60
/** Issuers write roles and permissions into their tokens. */
const lengthMax = 8192

const optionalText = z.string().optional().catch(undefined)
const claimsSchema = z.looseObject({
  /** As OpenID Connect Core bounds it (section 2): it stands in a row and in log lines. */
  sub: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  exp: z.number(),
  name: optionalText,
  preferred_username: optionalText,
  email: optionalText,
  email_verified: z.unknown().optional(),
})

/** An end user as a good token names it. */
export type VerifiedUser = {
  issuer: string
  subject: string
  /** Leeway included. */
  expiresAtMs: number
  name: string | null
  email: string | null
}

export type UserTokens = {
  /** A JWT that says it is of the issuer, valid or not. */
  isShaped(text: string): boolean
  /** A token whose signature was verified before; undefined for any other. */
  recall(text: string): VerifiedUser | undefined
  /** Null for anything but a live token of the issuer. Throws AppError `issuer_unavailable`. */
  verify(text: string): Promise<VerifiedUser | null>
  /** The keys are others than before. */
  forget(): void
}

export function createUserTokens(dependencies: {
  issuer: string
  /** Empty: `aud` is not looked at. */
  audiences: readonly string[]
  keys: Pick<IssuerKeys, 'find' | 'keepFresh'>
  clock: Clock
  rememberedMax: number
}): UserTokens {
  const { issuer, audiences, keys, clock } = dependencies
  const remembered = new BoundedMap<string, VerifiedUser>(dependencies.rememberedMax)
  const digestOf = (text: string) => hash('sha256', text, 'base64url')
  let epoch = 0

  function isShaped(text: string): boolean {
    const claims = peekIntoJwt(text, lengthMax)?.claims
    return claims !== undefined && 'iss' in claims && claims.iss === issuer
  }

  async function verifySignature(text: string): Promise<VerifiedUser> {
    const { payload } = await jwtVerify(text, keys.find, {
      ...{ issuer, algorithms, clockTolerance: leewaySeconds, requiredClaims: ['exp', 'sub'] },
      ...(audiences.length > 0 ? { audience: [...audiences] } : {}),
      currentDate: new Date(clock.now()),
    })
    const claims = claimsSchema.parse(payload)
    return {
      issuer,
      subject: claims.sub,
      expiresAtMs: (claims.exp + leewaySeconds) * 1000,
      name: readName(claims.name) ?? readName(claims.preferred_username),
      // An address that nobody has proved to own may be another's.
      email: claims.email_verified === false ? null : readEmail(claims.email),
    }
  }

  return {
    isShaped,
    recall(text) {
      keys.keepFresh()
      return remembered.peek(digestOf(text))
    },
    async verify(text) {
      if (!isShaped(text) || !isCanonicalJwt(text, lengthMax)) return null
      const begun = epoch
      try {
        const verified = await verifySignature(text)
        if (epoch === begun) remembered.set(digestOf(text), verified)
        return verified
      } catch (error) {
        if (error instanceof AppError) throw error
        return null
      }
    },
    forget() {
      epoch++
      remembered.clear()
    },
  }
}

/** One line that a person would write; null for anything else. */
function readName(text: string | undefined): string | null {
  const name =
    text
      ?.toWellFormed()
      .replace(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, 200)
      .trim() ?? ''
  return name === '' ? null : name.toWellFormed()
}

function readEmail(text: string | undefined): string | null {
  const parsed = z.email().max(254).safeParse(text)
  return parsed.success ? parsed.data : null
}
