// Authenticated encryption of small records (AES-256-GCM): a sealed text opens only with its key and in its place.
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

const formatVersion = 1
const nonceBytes = 12
const tagBytes = 16
const headBytes = 1 + nonceBytes + tagBytes

/**
 * Seals `plain` with a key of 32 bytes. `place` says where the record belongs; it is not stored, and another place does
 * not open it. Layout: format version (1 byte), nonce (12), tag (16), ciphertext. Random nonces are safe for 2³² records a key.
 */
export function seal(key: KeyObject, plain: Uint8Array | string, place: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(associatedData(place))
  const text = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.of(formatVersion), nonce, cipher.getAuthTag(), text])
}

/** Null when the record was altered, belongs to another place, or was sealed with another key. */
export function openSealed(key: KeyObject, sealed: Uint8Array, place: string): Buffer | null {
  if (sealed.length < headBytes || sealed[0] !== formatVersion) return null
  const nonce = sealed.subarray(1, 1 + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(associatedData(place))
  decipher.setAuthTag(sealed.subarray(1 + nonceBytes, headBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(headBytes)), decipher.final()])
  } catch {
    return null
  }
}

function associatedData(place: string): Buffer {
  return Buffer.concat([Buffer.of(formatVersion), Buffer.from(place, 'utf8')])
}
