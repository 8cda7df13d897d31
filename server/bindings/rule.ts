// A binding's rule: checked and brought to one spelling, and compiled for the decision.
import { AppError } from '@sallyport/contract'
import {
  createRangeMatcher,
  type IpAddress,
  type IpRange,
  parseIpRange,
  rangeAround,
} from '../lib/ip-address.ts'
import type { BindingRule } from './bindings.ts'

export type AddressMatcher = (address: IpAddress) => boolean

/**
 * The rule in canonical form: single addresses without /32 or /128, networks without host bits, no doubles.
 * Throws AppError `malformed_request` naming the entry and the remedy.
 */
export function checkRule(rule: BindingRule): BindingRule {
  const ranges = rule.allowedIps.map(parseEntry)
  if (rule.mode === 'all') {
    if (ranges.length > 0) throw badRule('mode "all" allows every address: leave allowed_ips empty')
    return { mode: 'all', allowedIps: [] }
  }
  const allowedIps = [...new Set(ranges.map((range) => range.text))]
  if (allowedIps.length === 0)
    throw badRule(`mode "${rule.mode}" needs at least one address, such as "203.0.113.7"`)
  if (rule.mode === 'single' && allowedIps.length > 1) {
    throw badRule('mode "single" takes one address or one CIDR: use mode "multiple" for a list')
  }
  return { mode: rule.mode, allowedIps }
}

/** The rule that a first use makes: this address, or for IPv6 the network of `ipv6Prefix` bits around it. */
export function firstUseRule(address: IpAddress, ipv6Prefix: number): BindingRule {
  const range = rangeAround(address, address.family === 6 ? ipv6Prefix : 32)
  return { mode: 'single', allowedIps: [range.text] }
}

/** Compiles a canonical rule. One single address, by far the most common rule, is a comparison of texts. */
export function compileRule(rule: BindingRule): AddressMatcher {
  if (rule.mode === 'all') return () => true
  const [only] = rule.allowedIps
  if (rule.allowedIps.length === 1 && only !== undefined && !only.includes('/')) {
    return (address) => address.text === only
  }
  return createRangeMatcher(rule.allowedIps.map(parseEntry))
}

function parseEntry(text: string): IpRange {
  const range = parseIpRange(text)
  if (range) return range
  throw badRule(
    `"${text.slice(0, 64)}" is neither an IP address nor a CIDR such as 10.0.0.0/8 or 2001:db8::/64`,
  )
}

function badRule(reason: string): AppError {
  return new AppError('malformed_request', { message: `allowed_ips: ${reason}.` })
}
