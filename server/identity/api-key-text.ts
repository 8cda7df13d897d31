// The text of credentials that are issued here: how it is made, recognised without the database, and masked.
import { randomBytes, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Secret } from '../lib/secret.ts'

const apiKeyPrefix = 'sp_'
const deviceSecretPrefix = 'spd_'
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 58 of 62 characters: 345 bits. */
const randomLength = 58
const checksumLength = 6
const apiKeyText = /^sp_[0-9A-Za-z]{64}$/

/** `sp_`, 58 random letters and digits, and a checksum of 6 that tells a typing error from an unknown key. */
export function makeApiKey(): Secret {
  const random = Array.from({ length: randomLength }, () => alphabet.charAt(randomInt(alphabet.length))).join(
    '',
  )
  return new Secret(`${apiKeyPrefix}${random}${checksumOf(random)}`)
}

/** Meant as an API key, whether it is one or not. */
export function isApiKeyShaped(text: string): boolean {
  return text.startsWith(apiKeyPrefix)
}

/** False for a text that was never issued: wrong length, wrong characters, wrong checksum. */
export function isApiKeyText(text: string): boolean {
  const random = text.slice(apiKeyPrefix.length, -checksumLength)
  return apiKeyText.test(text) && text.endsWith(checksumOf(random))
}

/** `spd_` and 256 random bits. */
export function makeDeviceSecret(): Secret {
  return new Secret(`${deviceSecretPrefix}${randomBytes(32).toString('base64url')}`)
}

/** Short mask for people, such as `sp_Ab12...wxYZ`. */
export function maskApiKey(apiKey: Secret): string {
  const text = apiKey.reveal()
  return `${text.slice(0, apiKeyPrefix.length + 4)}...${text.slice(-4)}`
}

/** CRC-32 in base 62: it needs no secret, it only has to be another one after a slip of the hand. */
function checksumOf(random: string): string {
  let rest = crc32(random)
  let text = ''
  for (let index = 0; index < checksumLength; index++) {
    text = alphabet.charAt(rest % alphabet.length) + text
    rest = Math.floor(rest / alphabet.length)
  }
  return text
}
