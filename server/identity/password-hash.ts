// Passwords as argon2id digests in PHC strings.
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane; about 40 ms. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 }
const saltBytes = 16
const digestBytes = 32

type Parameters = { memory: number; passes: number; parallelism: number; salt: Buffer; digestBytes: number }

const deriveArgon2 = promisify(argon2)
const phcPattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const digest = await derive(password, { ...cost, salt, digestBytes })
  const { memory, passes, parallelism } = cost
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(digest)}`
}

/** Compares in constant time, at the cost that `phc` names. False for a string that is no argon2id PHC string. */
export async function isPasswordCorrect(password: string, phc: string): Promise<boolean> {
  const match = phcPattern.exec(phc)
  if (!match) return false
  const [, memory, passes, parallelism, salt = '', digest = ''] = match
  const expected = Buffer.from(digest, 'base64')
  const actual = await derive(password, {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    digestBytes: expected.length,
  })
  return timingSafeEqual(actual, expected)
}

function derive(password: string, parameters: Parameters): Promise<Buffer> {
  return deriveArgon2('argon2id', {
    message: password.normalize('NFC'),
    nonce: parameters.salt,
    memory: parameters.memory,
    passes: parameters.passes,
    parallelism: parameters.parallelism,
    tagLength: parameters.digestBytes,
  })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
