// Addresses given by others may not lead to a cloud's metadata service: resolved and checked in one step, so that the
// address that was checked is the one connected to.
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { createRangeMatcher, parseIpAddress, parseIpRange } from './ip-address.ts'

/** Link-local networks hold metadata services, which answer with the machine's own credentials; nothing else of ours lives there. */
const isForbidden = createRangeMatcher(
  ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254', '0.0.0.0/8'].flatMap((text) => parseIpRange(text) ?? []),
)

/** Throws for a host that is itself a forbidden address: such a one is connected to without a look-up. */
export function assertAllowedHost(url: string): void {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) assertAllowed(host)
}

/** For `connect.lookup` of a client; fails when any address of the name is forbidden. */
export const checkedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0)
    try {
      for (const { address } of addresses) assertAllowed(address)
    } catch (refusal) {
      return callback(refusal instanceof Error ? refusal : new Error(String(refusal)), '', 0)
    }
    const [first] = addresses
    if (options.all) return callback(null, addresses)
    callback(null, first?.address ?? '', first?.family ?? 0)
  })
}

function assertAllowed(text: string): void {
  const address = parseIpAddress(text)
  if (!address || isForbidden(address)) throw new Error(`nothing may be sent to ${text}`)
}
