// Forms of environment values: what a text must look like, and what it becomes.
import { z } from 'zod'
import { type IpRange, parseIpAddress, parseIpRange } from '../lib/ip-address.ts'
import { Secret } from '../lib/secret.ts'

export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`)
export const secret = (minLength: number) =>
  z
    .string()
    .min(minLength, `must have at least ${minLength} characters`)
    .transform((value) => new Secret(value))
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
  .refine((value) => !/[?#]/.test(value), 'must have no query and no fragment')
  .refine((value) => !/^https?:\/\/[^/]*@/i.test(value), 'must hold no user and no password')
  .transform((value) => value.replace(/\/+$/, ''))
export const listenAddress = z
  .string()
  .refine(
    (value) => parseIpAddress(value) !== null || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value),
    'must be an IP address or a host name, without a port',
  )
export const commaList = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)
export const ranges = commaList.transform((items, context): readonly IpRange[] =>
  items.flatMap((item) => {
    const range = parseIpRange(item)
    if (!range) context.addIssue({ code: 'custom', message: `"${item}" is neither an IP address nor a CIDR` })
    return range ? [range] : []
  }),
)
export const pathPrefixes = commaList.refine(
  // Percent signs and double slashes are other spellings of a path, perhaps of one that is never anonymous.
  (items) =>
    items.every(
      (item) => /^\/([\w.~-]+(\/[\w.~-]+)*\/?)?$/.test(item) && !/^\/(v1|v1beta|mj|suno|pg)(\/|$)/.test(item),
    ),
  'must be plain path prefixes that begin with /, and never /v1, /v1beta, /mj, /suno or /pg',
)
export const origins = commaList.refine(
  (items) => items.every((item) => /^https?:/.test(item) && URL.parse(item)?.origin === item),
  'must be origins: scheme, host and perhaps a port, without a slash at the end',
)
export const postgresUrl = z
  .string()
  .transform((value) => value.replace(/^postgres(ql)?(\+[a-z0-9]+)?:\/\//, 'postgresql://'))
  .refine(
    (value) => URL.canParse(value) && value.startsWith('postgresql://'),
    'must be a postgresql:// address',
  )
export const redisUrl = z
  .string()
  .transform((value) => (value.includes('://') ? value : `redis://${value}`))
  .refine(
    (value) => /^rediss?:\/\//.test(value) && URL.canParse(value),
    'must be redis://host:port or host:port',
  )
export const smtpUrl = z
  .string()
  .refine(
    (value) => /^smtps?:\/\/[^/?#]+\/?$/.test(value) && URL.canParse(value) && new URL(value).hostname !== '',
    'must be smtp://user:password@host:port or smtps://…, without a path',
  )
  .refine(
    hasReadableAccount,
    'has a percent sign in user or password that stands for nothing: write it as %25',
  )
const mailbox = z.email({ pattern: z.regexes.rfc5322Email }).max(254)
/** An address, or a name with the address in angle brackets behind it. */
export const sender = z.string().refine((value) => {
  const address = /^[^<>"\r\n]{1,100}<([^<>]+)>$/.exec(value)?.[1] ?? value
  return mailbox.safeParse(address).success
}, 'must be an address, perhaps with a name: Sallyport <gateway@example.com>')
export const mailboxes = commaList
  .refine(
    (items) =>
      items.length >= 1 && items.length <= 10 && items.every((item) => mailbox.safeParse(item).success),
    'must be an email address, or up to ten with commas between',
  )
  .transform((items) => items.join(', '))

function hasReadableAccount(value: string): boolean {
  try {
    const { username, password } = new URL(value)
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}
