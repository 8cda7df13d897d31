// Tokens as clients of a New API service hold them, new for each use.
import { randomBytes } from 'node:crypto'

/** `sk-` and 48 letters and digits. */
export function newToken(): string {
  return `sk-${randomBytes(24).toString('hex')}`
}

/** Headers of a client at `address` that speaks through the trusted proxy on this machine. */
export function from(address: string, token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'x-real-ip': address }
}
