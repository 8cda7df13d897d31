// Whose address a call has (SPEC §3): the TCP peer, or what a trusted proxy says in X-Real-IP. Nothing else is ever read.
import type { IncomingMessage } from 'node:http'
import { type IpAddress, parseIpAddress } from '../lib/ip-address.ts'

/**
 * The client's address; null when the trusted peer's X-Real-IP is not exactly one address.
 * Node joins repeated X-Real-IP headers with a comma, and a list is no address, so that two values are refused as well.
 */
export function resolveClientAddress(
  peer: IpAddress,
  isTrusted: boolean,
  headers: IncomingMessage['headers'],
): IpAddress | null {
  if (!isTrusted) return peer
  const claimed = headers['x-real-ip']
  if (claimed === undefined) return peer
  return typeof claimed === 'string' ? parseIpAddress(claimed) : null
}
