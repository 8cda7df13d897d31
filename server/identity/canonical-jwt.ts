// One token has one spelling: decoders ignore unused bits and odd characters, so texts that differ could pass as equal.

/** Longer than any token of ours. */
const ownLengthMax = 2048

/** Three parts, each exactly as base64url writes its bytes, and not too long. */
export function isCanonicalJwt(token: string, lengthMax = ownLengthMax): boolean {
  if (token.length > lengthMax) return false
  const parts = token.split('.')
  return (
    parts.length === 3 && parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
  )
}

/** Header and claims of an unverified token: good to recognise one, never to trust it. Null when they are not JSON objects. */
export function peekIntoJwt(
  token: string,
  lengthMax = ownLengthMax,
): { header: object; claims: object } | null {
  if (token.length > lengthMax) return null
  const [header = '', claims = '', ...others] = token.split('.')
  if (others.length !== 1) return null
  const read = { header: readObject(header), claims: readObject(claims) }
  return read.header && read.claims ? { header: read.header, claims: read.claims } : null
}

function readObject(part: string): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
