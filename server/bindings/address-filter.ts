// Addresses in the filters of lists: canonical, or refused by the name of their field.
import { AppError } from '@sallyport/contract'
import { parseIpAddress, parseIpRange } from '../lib/ip-address.ts'

/** The canonical address. Throws AppError `malformed_request` naming `field`. */
export function checkAddress(field: string, text: string): string {
  const address = parseIpAddress(text)
  if (!address) throw badAddress(field, text, 'an IP address such as 203.0.113.7')
  return address.text
}

/** The canonical address or network. Throws as `checkAddress`. */
export function checkRange(field: string, text: string): string {
  const range = parseIpRange(text)
  if (!range) throw badAddress(field, text, 'an IP address or CIDR such as 203.0.113.0/24')
  return range.text
}

function badAddress(field: string, text: string, wanted: string): AppError {
  return new AppError('malformed_request', { message: `${field}: "${text.slice(0, 64)}" is not ${wanted}.` })
}
