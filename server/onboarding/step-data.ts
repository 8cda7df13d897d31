// What a step may keep: small data without a provider key in it, because sessions are shown and exported in the clear.
import { AppError, type StepData } from '@sallyport/contract'
import type { Secret } from '../lib/secret.ts'

const bytesMax = 16 * 1024
const depthMax = 8
const reasonsMax = 20

/** Beginnings and forms of the keys that vendors issue. */
const keyShapes = [
  /\bAIza[0-9A-Za-z_-]{20,}/,
  /\bAQ\.[0-9A-Za-z_-]{30,}/,
  /\b(?:sk|pk|rk|xai|gsk|pplx|hf|ghp|gho|glpat|xox[a-z])[-_][0-9A-Za-z_-]{16,}/,
  /\bck_(?:pub|priv|secret)_[0-9A-Za-z]{8,}/,
  /\beyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]*/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bBearer\s+\S{16,}/i,
]
/** Names of fields, in lower case and without separators, that hold a key when they hold a text. */
const keyNames =
  /apikey|secret|password|passphrase|credential|privatekey|accesskey|authorization|(access|auth|refresh|bearer)token$|^token$|^key$/

/** Why `data` is not kept; empty: it may be. `savedKeys` are those of the user, whatever their form. */
export function findUnfitData(data: StepData, savedKeys: readonly Secret[]): string[] {
  if (Buffer.byteLength(JSON.stringify(data)) > bytesMax) {
    return [`data: is larger than ${bytesMax / 1024} KiB.`]
  }
  const saved = savedKeys.map((key) => key.reveal())
  const reasons: string[] = []
  const visit = (value: unknown, path: readonly string[]): void => {
    if (reasons.length >= reasonsMax) return
    if (path.length > depthMax) {
      reasons.push(`data: is nested deeper than ${depthMax} levels.`)
    } else if (typeof value === 'string') {
      if (isKey(value, path.at(-1) ?? '', saved)) reasons.push(`${place(path, saved)}: ${holdsKey}`)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, child] of Object.entries(value)) {
        if (looksLikeKey(name, saved)) reasons.push(`${place(path, saved)}: ${holdsKey}`)
        else visit(child, [...path, name])
      }
    }
  }
  visit(data, [])
  return reasons
}

/** Throws AppError `malformed_request` with every reason. */
export function assertFitData(data: StepData, savedKeys: readonly Secret[]): void {
  const reasons = findUnfitData(data, savedKeys)
  if (reasons.length === 0) return
  throw new AppError('malformed_request', { message: reasons[0] ?? '', details: reasons })
}

const holdsKey = 'holds a key. Keys go to POST /api/onboarding/api-keys only.'

function isKey(value: string, name: string, saved: readonly string[]): boolean {
  if (looksLikeKey(value, saved)) return true
  // A masked key, such as ****1234, is none.
  return (
    value.trim() !== '' && !value.startsWith('*') && keyNames.test(name.toLowerCase().replace(/[^a-z]/g, ''))
  )
}

function looksLikeKey(text: string, saved: readonly string[]): boolean {
  const trimmed = text.trim()
  // A short key may be an ordinary word, which may stand within a text.
  if (saved.some((key) => trimmed === key || (key.length >= 8 && text.includes(key)))) return true
  return keyShapes.some((shape) => shape.test(text))
}

/** Where it stands, as far as the names on the way are no secret themselves. */
function place(path: readonly string[], saved: readonly string[]): string {
  const names = path.map((name) => (looksLikeKey(name, saved) ? '…' : name.slice(0, 64)))
  return ['data', ...names].join('.')
}
