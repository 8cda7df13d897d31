// The external id of a client, made from its name when none is given.

const lengthMax = 64
/** For names without a Latin letter or digit. */
const standIn = 'client'

/**
 * The slug of `name` (lower-case letters and digits joined by dashes, at most 64 characters); from the second
 * `attempt` on with a number behind it, for when the ones before are taken.
 */
export function deriveExternalId(name: string, attempt: number): string {
  const suffix = attempt === 1 ? '' : `-${attempt}`
  const slug = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, lengthMax - suffix.length)
    .replace(/-+$/, '')
  return `${slug || standIn}${suffix}`
}
