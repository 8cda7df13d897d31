// What a token is once it has been read: its canonical form, its mask, and whether it is one of ours.

/** Kinds of our own credentials by what they begin with: API keys, device secrets and the local admin token. */
const ownPrefixes = ['sp_', 'spd_', 'spadm_']
/** Names under which bindings of our own credentials are kept: as a foreign token such a text would get hold of one. */
const credentialName = /^(?:api_key|device|user):\d+$/
/** How New API spells its keys: `sk-K`, `K` and `sk-K-7` are one key. */
const newApiToken = /^(?:sk-)?([A-Za-z0-9]{48})(?:-.*)?$/s
/** In either alphabet of base64, and also behind another scheme than Bearer: what matters is that none is sent on. */
const jsonWebToken = /(?:^|\s)[\w=+/-]+\.([\w=+/-]+)\.[\w=+/-]*$/

/** One spelling for each key of New API; any other token is what it is. */
export function toCanonicalToken(token: string): string {
  return newApiToken.exec(token)?.[1] ?? token
}

/**
 * What of a canonical token is digested. A New API on MySQL finds a key in any letter case: one key in two cases must not
 * be two tokens, or a stolen one would get a first use of its own.
 */
export function toDigestedText(canonical: string): string {
  return isNewApiToken(canonical) ? canonical.toLowerCase() : canonical
}

/** Letters that a database may ignore or take for others make no second spelling of a token, because none may hold them. */
export function isPlainText(canonical: string): boolean {
  return !/[^ -~]/.test(canonical)
}

export function isNewApiToken(token: string): boolean {
  return newApiToken.test(token)
}

/** Short mask of a canonical token, never enough to use: at most four characters of each end, fewer of short tokens. */
export function maskToken(canonical: string): string {
  const shown = canonical.length >= 20 ? 4 : canonical.length >= 12 ? 2 : 0
  const mask = `${canonical.slice(0, shown)}...${canonical.slice(canonical.length - shown)}`
  const ascii = mask.replace(/[^\x21-\x7e]/g, '?')
  return isNewApiToken(canonical) ? `sk-${ascii}` : ascii
}

/**
 * Is it a credential of ours or of our users, valid or not? Such a one must never reach the downstream:
 * managed keys, the local admin token, device and admin tokens, user tokens of the configured issuer.
 */
export function isOwnCredential(token: string, userTokenIssuer: string | null): boolean {
  if (ownPrefixes.some((prefix) => token.startsWith(prefix)) || credentialName.test(token)) return true
  const payload = jsonWebToken.exec(token)?.[1]
  if (payload === undefined) return false
  const claims = readClaims(payload)
  if (claims === null) return false
  const { type, iss } = claims
  return (
    type === 'device_token' || iss === 'sallyport' || (userTokenIssuer !== null && iss === userTokenIssuer)
  )
}

/** Claims of an unverified token: good to recognise one, never to trust it. */
function readClaims(payload: string): { type?: unknown; iss?: unknown } | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null ? claims : null
  } catch {
    return null
  }
}
