// Environment values of end users: the identity provider whose tokens they bring, and how many may be new at once.
import { z } from 'zod'
import { commaList, integer } from './value-forms.ts'

/** Kept letter by letter, a slash at its end included: tokens name their issuer in exactly this spelling. */
const issuerUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
  .refine((value) => !/[?#]/.test(value), 'must have no query and no fragment')
  .refine((value) => !/^https?:\/\/[^/]*@/i.test(value), 'must hold no user and no password')

const keysUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
  .refine((value) => !/^https?:\/\/[^/]*@/i.test(value), 'must hold no user and no password')

export const userEntries = {
  oidcIssuer: {
    names: ['OIDC_ISSUER', 'CLERK_ISSUER'] as const,
    schema: issuerUrl,
    default: null,
    example: 'https://your-app.clerk.accounts.dev',
    help: 'issuer of user tokens, exactly as they name it',
  },
  oidcAudience: {
    names: ['OIDC_AUDIENCE'] as const,
    schema: commaList,
    default: [],
    example: 'sallyport',
    help: 'audiences of which a user token must name one',
  },
  oidcJwksUrl: {
    names: ['OIDC_JWKS_URL'] as const,
    schema: keysUrl,
    default: null,
    example: 'https://your-app.clerk.accounts.dev/.well-known/jwks.json',
    help: "the issuer's keys; without it its discovery document tells",
  },
  usersNewPerMinute: {
    names: ['USERS_NEW_PER_MINUTE'] as const,
    schema: integer(0, 1_000_000),
    default: 60,
    example: '60',
    help: 'new end users from one address in a minute; 0 = no limit',
  },
  debug: {
    names: ['DEBUG'],
    schema: z
      .string()
      .regex(/^(true|false|1|0)$/i, 'must be true or false')
      .transform((value) => /^(true|1)$/i.test(value)),
    default: false,
    example: 'true',
    help: 'true: users’ provider keys come from ENV_FILE, for this machine only',
  },
  deployEnv: {
    names: ['DEPLOY_ENV'],
    schema: z.string().max(64),
    default: null,
    example: 'production',
    help: 'any name: users’ provider keys come from the database; unset means development',
  },
  envFile: {
    names: ['ENV_FILE'],
    schema: z.string().min(1),
    default: '.env',
    example: './backend/.env',
    help: 'file that development mode keeps provider keys in',
  },
}
