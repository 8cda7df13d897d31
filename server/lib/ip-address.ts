// Strict IP addresses and networks: one spelling each, so that text can be compared and stored.
import { BlockList, isIP } from 'node:net'

export type IpFamily = 4 | 6
export type IpAddress = { readonly text: string; readonly family: IpFamily }
/** `text` is canonical: a single address without its full prefix, a network with its host bits cleared. */
export type IpRange = { readonly text: string; readonly family: IpFamily; readonly prefix: number }

const mappedV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/**
 * Parses one address in its strict form. `::ffff:a.b.c.d` is the IPv4 address it maps.
 * Returns null for anything else: ports, zones, brackets, octal or short IPv4, white space, lists.
 */
export function parseIpAddress(text: string): IpAddress | null {
  const family = isIP(text)
  if (family === 4) return { text, family: 4 }
  if (family !== 6 || text.includes('%')) return null
  const mapped = mappedV4.exec(text)
  if (mapped?.[1]) return isIP(mapped[1]) === 4 ? { text: mapped[1], family: 4 } : null
  const groups = expandV6(text)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return { text: dottedQuad(groups), family: 4 }
  }
  return { text: compressV6(groups), family: 6 }
}

/** Parses an address or `address/prefix` into its canonical range; null when it is neither. */
export function parseIpRange(text: string): IpRange | null {
  const slash = text.indexOf('/')
  const address = parseIpAddress(slash < 0 ? text : text.slice(0, slash))
  if (!address) return null
  const full = address.family === 4 ? 32 : 128
  if (slash < 0) return { ...address, prefix: full }
  const digits = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(digits)) return null
  const prefix = Number(digits)
  // A mapped network such as ::ffff:10.0.0.0/104 would change its meaning with its family.
  if (prefix > full || (address.family === 4 && text.includes(':'))) return null
  if (prefix === full) return { ...address, prefix }
  const network = maskAddress(address, prefix)
  return { text: `${network}/${prefix}`, family: address.family, prefix }
}

/** The range of `prefix` bits around `address`, in canonical text. */
export function rangeAround(address: IpAddress, prefix: number): IpRange {
  const full = address.family === 4 ? 32 : 128
  if (prefix >= full) return { ...address, prefix: full }
  return { text: `${maskAddress(address, prefix)}/${prefix}`, family: address.family, prefix }
}

/** A test for membership in any of `ranges` (canonical texts); about a microsecond a call. */
export function createRangeMatcher(ranges: readonly IpRange[]): (address: IpAddress) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const network = range.text.split('/', 1)[0] ?? range.text
    list.addSubnet(network, range.prefix, range.family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => list.check(address.text, address.family === 4 ? 'ipv4' : 'ipv6')
}

function maskAddress(address: IpAddress, prefix: number): string {
  const groups = address.family === 4 ? address.text.split('.').map(Number) : expandV6(address.text)
  const width = address.family === 4 ? 8 : 16
  const masked = groups.map((group, index) => {
    const kept = Math.min(width, Math.max(0, prefix - index * width))
    return group & (((1 << kept) - 1) << (width - kept))
  })
  return address.family === 4 ? masked.join('.') : compressV6(masked)
}

/** Eight 16-bit groups of an address that `isIP` has already accepted. */
function expandV6(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const left = groupsOf(head)
  if (tail === undefined) return left
  const right = groupsOf(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function groupsOf(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function dottedQuad(groups: readonly number[]): string {
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join('.')
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function compressV6(groups: readonly number[]): string {
  let best = { start: -1, length: 1 }
  let start = -1
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === 0) {
      if (start < 0) start = index
    } else {
      if (start >= 0 && index - start > best.length) best = { start, length: index - start }
      start = -1
    }
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  if (best.start < 0) return hex(groups)
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`
}
